"""What comes of other regions, between the moment when it is known and the one when it is kept."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from events.event import encode
from events.positions import BEGINNING, Position
from services.control_store import ControlStore, open_control_store, region_news
from services.control_store.region_news import CopiedLine, News, ReadAnotherWay
from services.regions.copies import Copies
from services.regions.opening import open_regions
from services.regions.regions import Regions
from services.regions.settings import RegionSettings
from services.settings import Settings
from services.world import real_world
from tests.builders import a_task
from tests.builders.actors import ORGANIZATION

EVENT = a_task().events[0]
LINE = CopiedLine(
    Position(0, 0), ORGANIZATION, EVENT.root, EVENT.id.hex, "effective", None, 1, encode(EVENT)
)
NEWS = News("a", {0: 1}, 1, 1, "its gateways")
OF_A = {"a": {"url": "http://a.example", "key": "k"}}
A_WHILE = 0.2
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def copying(folder: Path, **more: Any) -> AsyncIterator[tuple[Copies, ControlStore]]:
    settings = RegionSettings.model_validate({"others": OF_A, "write_delay_seconds": 0.001, **more})
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


LOG_OF_A = {"a": {"log": {"kafka": "a1:9092"}}}
COPY_OF_A = {"a": {"log": {"kafka": "b1:9092", "topic": "a.countermand-history", "is_copy": True}}}
ANOTHER_COPY_OF_A = {"a": {"log": {"kafka": "b1:9092", "topic": "anew", "is_copy": True}}}


def ways(others: dict[str, Any]) -> Settings:
    reads_a_log = "log" in others["a"]
    return Settings.model_validate({"regions": {"others": others, "carry": reads_a_log}})


async def opened(folder: Path, others: dict[str, Any]) -> Regions | None:
    """As a gateway begins."""
    nothing: Any = SimpleNamespace(at_close=lambda call: None)
    async with AsyncExitStack() as stack:
        store = open_control_store(None, folder)
        stack.callback(store.close)
        regions, _ = await open_regions(
            ways(others),
            store,
            real_world(),
            stack,
            log=nothing,
            words=nothing,
            reads=nothing,
            verdicts=nothing,
        )
        return regions


def kept(folder: Path, way: str | None) -> None:
    store = open_control_store(None, folder)
    news = NEWS._replace(way=way)
    store.ask_now(partial(region_news.keep, news=news, lines=[LINE], known=BEGINNING))
    store.close()


CHANGES = [
    (OF_A, LOG_OF_A, "its gateways", "topic countermand-history"),
    (LOG_OF_A, OF_A, "topic countermand-history", "its gateways"),
    (LOG_OF_A, COPY_OF_A, "topic countermand-history", "a copy, topic a.countermand-history"),
    (COPY_OF_A, ANOTHER_COPY_OF_A, "a copy, topic a.countermand-history", "a copy, topic anew"),
]


@pytest.mark.parametrize(("before", "now", "was", "is_to_be"), CHANGES)
async def test_a_region_is_read_another_way_only_once_its_copy_is_forgotten(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any], was: str, is_to_be: str
) -> None:
    kept(tmp_path, ways(before).regions.others["a"].way)
    said = re.escape(f"from {was} until now, and is to be read from {is_to_be}")

    with pytest.raises(ReadAnotherWay, match=f"{said}.*regions forget a"):
        await opened(tmp_path, now)
    assert await opened(tmp_path, before) is not None

    store = open_control_store(None, tmp_path)
    assert store.ask_now(partial(region_news.forget, region="a")) == 1
    store.close()
    assert await opened(tmp_path, now) is not None


TOPIC = "topic countermand-history"


@pytest.mark.parametrize(
    ("before", "now", "is_another"),
    [
        ("one", "another", True),
        ("one", "one", False),
        (None, "one", False),  # What an older release has copied.
        ("one", None, False),
    ],
)
async def test_a_topic_of_the_same_name_on_another_cluster_is_noticed(
    tmp_path: Path, before: str | None, now: str | None, is_another: bool
) -> None:
    kept(tmp_path, region_news.in_cluster(TOPIC, before))
    assert await opened(tmp_path, LOG_OF_A) is not None  # Only its brokers can tell.

    store = open_control_store(None, tmp_path)
    try:
        copies = Copies(store, ways(LOG_OF_A).regions, real_world().now)
        with pytest.raises(ReadAnotherWay) if is_another else nullcontext():
            await copies.check_cluster("a", now)
    finally:
        store.close()


async def test_what_was_copied_before_ways_were_known_goes_on(tmp_path: Path) -> None:
    kept(tmp_path, None)

    assert await opened(tmp_path, COPY_OF_A) is not None


async def test_who_reads_another_way_at_the_same_time_keeps_nothing(tmp_path: Path) -> None:
    """Two gateways of a region, of which only one was set anew."""
    async with copying(tmp_path, write_delay_seconds=A_WHILE) as (copies, store):
        await come(copies)
        kept(tmp_path, "topic elsewhere")
        with capture_logs() as logged:
            await asyncio.wait_for(copies.settled(), PATIENCE_SECONDS)

        assert [each.way for each in await written(store)] == ["topic elsewhere"]
        assert "was read from topic elsewhere until now" in logged[0]["why"]
        with pytest.raises(ReadAnotherWay):
            await copies.frontier("a")
