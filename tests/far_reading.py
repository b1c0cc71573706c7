"""Region b, as one process of it lives that reads region a's topic, or a copy of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from events.positions import Frontier, reaches
from services.bridge.own_dock import OwnDock
from services.control_store import open_control_store
from services.embedded_log import open_log
from services.kafka_log.settings import BrokerSettings
from services.own_words import OwnWords
from services.regions.copies import Copies
from services.regions.copy import Copy
from services.regions.dock import Dock
from services.regions.opening import far_log
from services.regions.settings import LogAddress, RegionAddress, RegionSettings
from services.verdicts import Verdicts
from services.world import real_world
from tests.builders.actors import ORGANIZATION
from tests.mirrored import PARTITIONS, Source

PATIENCE_SECONDS = 60.0


class Reading:
    """Region b, as one process of it lives."""

    def __init__(self, dock: Dock, copies: Copies, address: LogAddress, settings: Any) -> None:
        self.dock = dock
        self.copies = copies
        self.far = far_log("a", address, copies, settings, real_world())

    async def until(self, end: Frontier) -> None:
        """Everything up to there is taken."""
        own = OwnDock(self.dock)
        async with asyncio.timeout(PATIENCE_SECONDS):
            start = await own.taken("a")
            async with aclosing(self.far.parcels("b", start, 0.2)) as parcels:
                while not reaches(self.copies.kept("a"), end):
                    await own.take(await anext(parcels))

    async def of(self, task: str) -> Copy:
        return await self.copies.of(ORGANIZATION, "a", task)


@asynccontextmanager
async def reading(
    source: Source, folder: Path, topic: str | None = None, near: str | None = None
) -> AsyncIterator[Reading]:
    """`topic`: a copy; `near`: on which brokers, if not on a's."""
    broker = BrokerSettings(topic_prefix=source.prefix, partitions=PARTITIONS)
    address = LogAddress(
        kafka=near or source.broker, broker=broker, topic=topic, is_copy=topic is not None
    )
    others = {"a": RegionAddress(log=address)}
    settings = RegionSettings(others=others, carry=True, write_delay_seconds=0.01)
    world = real_world()
    async with AsyncExitStack() as opened:
        store = open_control_store(None, folder)
        opened.callback(store.close)
        log = await open_log(folder / "history.sqlite", "history", lambda: 0)
        opened.push_async_callback(log.close)
        copies, nothing = Copies(store, settings, world.now), None
        writing = asyncio.create_task(copies.run())
        dock = Dock(
            "b",
            log=log,
            words=OwnWords(),
            reads=nothing,  # type: ignore[arg-type]
            verdicts=Verdicts(),
            copies=copies,
            settings=settings,
            world=world,
            read_wait_seconds=1.0,
        )
        b = Reading(dock, copies, address, settings)
        try:
            yield b
            await copies.settled()
        finally:
            writing.cancel()
            await b.far.close()
