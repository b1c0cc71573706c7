"""What comes of other regions, between the moment when it is known and the one when it is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from events.event import encode
from events.positions import BEGINNING, Position
from services.control_store import ControlStore, open_control_store, region_news
from services.control_store.region_news import CopiedLine, News
from services.regions.copies import Copies
from services.regions.settings import RegionSettings
from services.world import real_world
from tests.builders import a_task
from tests.builders.actors import ORGANIZATION

EVENT = a_task().events[0]
LINE = CopiedLine(
    Position(0, 0), ORGANIZATION, EVENT.root, EVENT.id.hex, "effective", None, 1, encode(EVENT)
)
NEWS = News("a", {0: 1}, 1, 1)
A_WHILE = 0.2
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def copying(folder: Path, **more: float) -> AsyncIterator[tuple[Copies, ControlStore]]:
    settings = RegionSettings.model_validate({"write_delay_seconds": 0.001, **more})
    store = open_control_store(None, folder)
    copies = Copies(store, settings, real_world().now)
    writing = asyncio.create_task(copies.run())
    try:
        yield copies, store
    finally:
        writing.cancel()
        store.close()


async def come(copies: Copies) -> None:
    await copies.keep(NEWS, [LINE], await copies.frontier_before("a", BEGINNING))


async def written(store: ControlStore) -> list[News]:
    return await store.look(region_news.all_of_them)


async def test_while_somebody_waits_for_a_verdict_nothing_is_written(tmp_path: Path) -> None:
    async with copying(tmp_path, write_aside_seconds=PATIENCE_SECONDS) as (copies, store):
        with copies.lookout(ORGANIZATION, EVENT.subject) as lookout:
            await come(copies)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(copies.settled(), A_WHILE)
            assert await written(store) == []
            assert (await lookout.of("a")).root.tasks.keys() == {EVENT.subject}

        await asyncio.wait_for(copies.settled(), PATIENCE_SECONDS)
        assert await written(store) == [NEWS]


async def test_who_waits_for_long_keeps_nothing_from_being_written(tmp_path: Path) -> None:
    async with copying(tmp_path, write_aside_seconds=0.001) as (copies, store):
        with copies.lookout(ORGANIZATION, EVENT.subject):
            await come(copies)
            await asyncio.wait_for(copies.settled(), PATIENCE_SECONDS)

        assert await written(store) == [NEWS]
