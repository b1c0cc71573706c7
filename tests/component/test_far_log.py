"""Another region's log read from its own topic, and from a copy of it that another tool makes."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from structlog.testing import capture_logs

from events.cancel_events import CancelRequested
from events.event import Event, decode
from events.log import message
from events.positions import BEGINNING, reaches
from events.task_events import TaskSubmitted
from events.words import Reason, Status, Verdict
from services.control_store import open_control_store, region_news
from services.control_store.region_news import AnotherLog, ReadAnotherWay
from services.regions.chained import Gap
from tests.builders import History, nothing_yet
from tests.builders.actors import USER
from tests.far_reading import Reading, reading
from tests.mirrored import Source

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

LOOK_SECONDS = 0.05


@pytest.fixture
def source(kafka_broker: str) -> Source:
    return Source(kafka_broker)


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


async def test_what_a_writer_said_last_is_missed_as_soon_as_another_one_begins(
    source: Source, tmp_path: Path
) -> None:
    history = cancelled()
    for event in history.events:  # Each by a process of its own.
        async with source.opened() as log:
            await log.append([message(event)])
    await source.mirrored(without={TaskSubmitted.TYPE})

    async with reading(source, tmp_path, source.copy) as b:
        with pytest.raises(Gap, match=history.events[0].id.hex):
            await b.until(await b.far.end())


async def test_a_topic_of_the_same_name_on_other_brokers_is_another_one(
    source: Source, tmp_path: Path
) -> None:
    end = await source.said(cancelled())
    async with reading(source, tmp_path) as b:
        await b.until(end)
    store = open_control_store(None, tmp_path)
    (known,) = store.ask_now(region_news.all_of_them)
    way, _, cluster = (known.way or "").partition(region_news.OF_CLUSTER)
    assert (way, cluster != "") == (f"topic {source.topic}", True)
    # As if it had been copied from brokers of another cluster.
    elsewhere = known._replace(way=region_news.in_cluster(way, "elsewhere"))
    store.ask_now(partial(region_news.forget, region="a"))
    store.ask_now(partial(region_news.keep, news=elsewhere, lines=[], known=BEGINNING))
    store.close()

    async with reading(source, tmp_path) as b:
        with pytest.raises(ReadAnotherWay, match=r"of cluster elsewhere until now.*forget a"):
            await b.until(await b.far.end())


async def made_anew(source: Source) -> None:
    """Its topic is deleted, and one of the same name is made by whoever says something."""
    admin = AIOKafkaAdminClient(bootstrap_servers=source.broker)
    await admin.start()
    try:
        await admin.delete_topics([source.topic])
        while True:  # Nobody tells when it is gone.
            (found,) = await admin.describe_topics([source.topic])
            if found["error_code"] != 0:
                return
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("says_now", "why"),
    [
        (cancelled().events[::-1], "something else than it did before"),
        ((), "nothing any more"),
    ],
)
async def test_a_topic_that_was_made_anew_is_noticed_and_nothing_is_taken_from_it(
    source: Source, tmp_path: Path, says_now: Sequence[Event], why: str
) -> None:
    before = await source.said(cancelled())
    async with reading(source, tmp_path) as b:
        await b.until(before)
    await made_anew(source)
    async with source.opened() as log:
        for event in says_now:
            await log.append([message(event)])

    async with reading(source, tmp_path) as b:
        with pytest.raises(AnotherLog, match=f"{why}.*regions forget a"):
            await anext(b.far.parcels("b", before, 0.2))
        assert reaches(before, await b.copies.frontier("a"))
