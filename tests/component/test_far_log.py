"""Another region's log read from its own topic, and from a copy of it that another tool makes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from events.cancel_events import CancelRequested
from events.event import decode
from events.log import message
from events.positions import BEGINNING, Frontier, reaches
from events.task_events import TaskSubmitted
from events.words import Reason, Status, Verdict
from services.bridge.own_dock import OwnDock
from services.control_store import open_control_store
from services.embedded_log import open_log
from services.kafka_log.settings import BrokerSettings
from services.own_words import OwnWords
from services.regions.chained import Gap
from services.regions.copies import Copies
from services.regions.copy import Copy
from services.regions.dock import Dock
from services.regions.opening import far_log
from services.regions.settings import LogAddress, RegionAddress, RegionSettings
from services.verdicts import Verdicts
from services.world import real_world
from tests.builders import History, nothing_yet
from tests.builders.actors import ORGANIZATION, USER
from tests.mirrored import PARTITIONS, Source

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

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


@pytest.fixture
def source(kafka_broker: str) -> Source:
    return Source(kafka_broker)


@asynccontextmanager
async def reading(source: Source, folder: Path, topic: str | None = None) -> AsyncIterator[Reading]:
    broker = BrokerSettings(topic_prefix=source.prefix, partitions=PARTITIONS)
    address = LogAddress(kafka=source.broker, broker=broker, topic=topic, is_copy=topic is not None)
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


async def said_in_b(b: Reading) -> Sequence[str]:
    """The types of what stands in its own log."""
    records = await b.dock._log.read(BEGINNING, 100)
    return [decode(record.value).type for record in records]


def cancelled(task: str = "stops") -> History:
    return nothing_yet(task).submitted(kind="k").cancel_requested()


def asked_of_b() -> History:
    return nothing_yet("far").addressed(CancelRequested(actor=USER), home="b")


async def test_what_a_region_says_is_read_from_its_topic(source: Source, tmp_path: Path) -> None:
    end = await source.said(cancelled(), asked_of_b())

    async with reading(source, tmp_path) as b:
        await b.until(end)

        copy = await b.of("stops")
        assert copy.root.tasks["stops"].status is Status.CANCELLED
        assert [entry.outcome.verdict for entry in copy.entries] == [Verdict.EFFECTIVE] * 2
        assert await said_in_b(b) == [CancelRequested.TYPE]
        assert await b.far.end() == end


async def test_who_goes_on_judges_by_what_was_copied_before(source: Source, tmp_path: Path) -> None:
    history = cancelled()
    first, second = history.events
    async with source.opened() as log:
        await log.append([message(first)])
        async with reading(source, tmp_path) as b:
            await b.until(await log.end())
        await log.append([message(second)])
        await log.append([message(second)])
        end = await log.end()

    async with reading(source, tmp_path) as b:
        await b.until(end)

        copy = await b.of("stops")
        assert copy.root.tasks["stops"].status is Status.CANCELLED
        said = [(entry.outcome.verdict, entry.outcome.reason) for entry in copy.entries]
        assert said[-1] == (Verdict.VOID, Reason.DUPLICATE)


async def test_a_copy_that_says_things_twice_changes_nothing(
    source: Source, tmp_path: Path
) -> None:
    end = await source.said(cancelled())
    await source.mirrored(twice={CancelRequested.TYPE})

    async with reading(source, tmp_path, source.copy) as b:
        copied_end = await b.far.end()
        assert sum(copied_end.values()) == sum(end.values()) + 1
        with capture_logs() as logged:
            await b.until(copied_end)

        copy = await b.of("stops")
        assert copy.root.tasks["stops"].status is Status.CANCELLED
        assert [e.outcome.verdict for e in copy.entries][-1] is Verdict.VOID
        assert ("a copy says things twice", 1) in [(x["event"], x.get("events")) for x in logged]


async def test_a_gap_in_a_copy_is_noticed_and_nothing_is_taken_behind_it(
    source: Source, tmp_path: Path
) -> None:
    await source.said(cancelled())
    await source.mirrored(without={TaskSubmitted.TYPE})

    for _ in range(2):  # Whoever begins again stands before the same gap.
        async with reading(source, tmp_path, source.copy) as b:
            with pytest.raises(Gap, match="regions forget a"):
                await b.until(await b.far.end())
            assert b.copies.kept("a") == BEGINNING
            assert (await b.of("stops")).root.tasks == {}
