"""A courier and the read models it reads from: they come behind the ledger that it hears."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from events.positions import Frontier
from services.control_store import open_control_store, webhooks
from services.control_store.webhooks import Endpoint
from services.webhooks.courier import Courier, Depot
from services.webhooks.settings import WebhookSettings
from services.world import real_world

PATIENCE_SECONDS = 45.0
"""Far less than the time after which a courier looks again anyway."""


class ReadModelsBehind:
    """They have nothing until `show`."""

    def __init__(self) -> None:
        self.shown: Frontier = {}
        self.read = asyncio.Queue[Frontier]()
        """What they had whenever they were read."""
        self._moved = asyncio.Event()

    def show(self, frontier: Frontier) -> None:
        self.shown = frontier
        self._moved.set()

    def frontier(self) -> Frontier:
        return self.shown

    async def moved(self, beyond: Frontier, timeout_seconds: float) -> Frontier:
        await asyncio.wait_for(self._moved.wait(), timeout_seconds)
        return self.shown

    def of(self, organization: str) -> "ReadModelsBehind":
        return self

    async def history(self, *where: Any, **more: Any) -> Any:
        self.read.put_nowait(self.shown)
        return SimpleNamespace(rows=[], next_cursor=None)


async def test_what_it_hears_before_it_has_begun_it_reads_as_soon_as_that_is_there(
    tmp_path: Path,
) -> None:
    store, reads = open_control_store(None, tmp_path), ReadModelsBehind()
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    endpoint = Endpoint("e", "acme", "https://example.org/", None, "", now_us, "ann", None)
    await store.ask(partial(webhooks.add, endpoint=endpoint, secret="s", start={}, limit=1))
    depot = Depot(store, cast(Any, reads), cast(Any, None), WebhookSettings(), real_world())
    courier = Courier(endpoint, depot)
    running = asyncio.create_task(courier.run())
    try:
        courier.catch_up({0: 1})
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await reads.read.get() == {}
            reads.show({0: 1})
            assert await reads.read.get() == {0: 1}
    finally:
        running.cancel()
        await asyncio.wait({running})
        store.close()
