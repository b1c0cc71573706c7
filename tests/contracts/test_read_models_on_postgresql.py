"""The same read models on PostgreSQL: another URL, the same statements, the same answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import URL, insert, text

from events.event import encode
from events.log import Record
from events.positions import Position
from events.words import Status
from projections import tables
from projections.batch import folded
from services.read_models.database import Database
from services.read_models.digests import digests
from services.read_models.errors import OtherProjector, ReadModelsUnavailable, ShareTaken
from services.read_models.hurrying import Hurrying
from services.read_models.models import ReadModels
from services.read_models.notifications import Notifications
from services.read_models.questions import CancellationFilter, HistoryFilter, TaskFilter
from services.read_models.reader import THREADS
from services.read_models.schemas import Schemas
from services.read_models.session import COPIED_ROWS
from services.read_models.shares import Share, held
from services.read_models.writing import Writer
from tests.builders import a_task
from tests.read_side import written
from tests.recorded import ORGANIZATIONS, judged, records

pytestmark = pytest.mark.postgres

SCHEMA = "generation_1"
ENTRIES = 600
PATIENCE_SECONDS = 30.0


def a_generation(url: URL) -> Database:
    database = Database(url, schema=SCHEMA)
    with database.engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        tables.metadata.create_all(connection)
        connection.execute(insert(tables.generation).values(number=1, layout=tables.LAYOUT))
    return database


@pytest.fixture
async def both(tmp_path: Path, postgres_database: URL) -> AsyncIterator[list[ReadModels]]:
    entries = judged(records(60, ENTRIES, partitions=3))
    database = a_generation(postgres_database)
    writer = Writer(database)
    for start in range(0, ENTRIES, 100):
        before = writer.checkpoints()
        writer.write(folded(before, entries[start : start + 100]), before)
    writer.close()
    models = [written(tmp_path, entries), ReadModels(database)]
    yield models
    await asyncio.gather(*(each.close() for each in models))
    database.engine.dispose()


async def test_both_answer_alike(both: list[ReadModels]) -> None:
    filters = (
        TaskFilter(),
        TaskFilter(status=[Status.CANCELLED]),
        TaskFilter(status=[Status.PENDING, Status.RUNNING]),
        TaskFilter(kind="k", label=("part", "b")),
        TaskFilter(actor=("user", "ada"), root="r1"),
    )
    then = {0: 50, 1: 20, 2: 70}
    for organization in ORGANIZATIONS:
        sqlite, postgresql = (models.of(organization) for models in both)
        for where in filters:
            for as_of in (None, then):
                expected = await sqlite.tasks(where, limit=1000, as_of=as_of)
                assert await postgresql.tasks(where, limit=1000, as_of=as_of) == expected
        everything = await sqlite.tasks(limit=1000)
        assert everything.rows
        for task in everything.rows:
            assert await postgresql.task(task.id) == task
            mine = HistoryFilter(task=task.id)
            assert await postgresql.history(mine) == await sqlite.history(mine)
            assert await postgresql.receipt(task.submission_id) == await sqlite.receipt(
                task.submission_id
            )
        assert await postgresql.projects() == await sqlite.projects()
        assert await postgresql.history(newest_first=True) == await sqlite.history(
            newest_first=True
        )
        stopped = CancellationFilter(stopped=True)
        assert await postgresql.cancellations(stopped) == await sqlite.cancellations(stopped)
    assert await both[1].malformed_records() == await both[0].malformed_records()


async def test_a_ledger_recalls_the_same(both: list[ReadModels]) -> None:
    sqlite, postgresql = [await models.snapshot() for models in both]
    assert sqlite.frontier == postgresql.frontier
    assert sorted(sqlite.live_keys) == sorted(postgresql.live_keys)
    keys = [f"{organization}/r{n}" for organization in ORGANIZATIONS for n in range(40)]
    recalled = []
    for models in both:
        events: dict[str, list[object]] = {}
        async for key, part in models.events_of(keys, sqlite.frontier):
            events.setdefault(key, []).extend(part)
        recalled.append(events)
    assert recalled[0] == recalled[1]


async def test_text_that_postgresql_cannot_hold_stops_nobody(postgres_database: URL) -> None:
    history = a_task("t", kind="a\0b", labels={"x": "\0"}).started().failed("\0").repeated()
    told = [
        Record(Position(0, offset), encode(event), offset)
        for offset, event in enumerate(history.events)
    ]
    database = a_generation(postgres_database)
    writer = Writer(database)
    writer.write(folded({}, judged(told)), {})
    writer.close()
    models = ReadModels(database)
    task = await models.of("acme").task("t")
    assert task is not None
    assert (task.spec.kind, task.error) == ("a\0b", "\0")
    assert (await models.of("acme").tasks(TaskFilter(region="local"))).rows == (task,)
    assert (await models.of("acme").tasks(TaskFilter(kind="no\0ne"))).rows == ()
    await models.close()
    database.engine.dispose()


async def test_whoever_asks_first_when_connections_were_lost_is_answered(
    postgres_database: URL,
) -> None:
    """As when the server was started again: those that were idle don't know it yet."""
    database = a_generation(postgres_database)
    models = ReadModels(database)
    for _ in range(THREADS):
        assert await models.of("acme").task("t") is None
    ending = database.connect()
    ended = ending.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert ended == [(True,)] * THREADS
    assert await models.of("acme").task("t") is None
    ending.close()
    await models.close()
    database.engine.dispose()


async def test_many_rows_come_at_once_and_none_of_them_twice(postgres_database: URL) -> None:
    tasks = [a_task(f"t{number}", labels={"a": "\\N\t\0"}) for number in range(2 * COPIED_ROWS)]
    events = [event for task in tasks for event in task.events]
    entries = judged(
        [Record(Position(0, at), encode(event), at) for at, event in enumerate(events)]
    )
    database = a_generation(postgres_database)
    writer = Writer(database)
    batch = folded({}, entries)
    writer.write(batch, {})
    models = ReadModels(database)
    lines = await models.of("acme").history(limit=1000)
    assert sorted(line.position.offset for line in lines.rows) == list(range(len(entries)))
    labelled = await models.of("acme").tasks(TaskFilter(label=("a", "\\N\t\0")), limit=1000)
    assert len(labelled.rows) == len(tasks)
    with pytest.raises(ReadModelsUnavailable, match="duplicate key"):
        writer.session.put(writer._into.history, batch.history)
    await models.close()
    writer.close()
    database.engine.dispose()


def test_two_projectors_cannot_both_write(postgres_database: URL) -> None:
    entries = judged(records(61, 60))
    database = a_generation(postgres_database)
    one, other = Writer(database), Writer(database)
    batch = folded({}, entries)
    one.write(batch, {})
    with pytest.raises(OtherProjector):
        other.write(batch, {})
    with one.session.reading():
        found = digests(one.session)
    assert set(found) == {table.name for table in tables.metadata.sorted_tables} - {
        "checkpoints",
        "generation",
    }
    one.close()
    other.close()
    database.engine.dispose()


def test_who_stands_still_in_the_middle_of_a_transaction_loses_its_share(
    postgres_database: URL,
) -> None:
    database = a_generation(postgres_database)
    share = Share([0], 1, silence_limit_seconds=0.5)
    slow = Writer(database, share)
    with pytest.raises(ShareTaken):
        Writer(database, share)
    slow.session.run("BEGIN")
    before = slow.checkpoints(locked=True)
    other = until_free(database, share)
    batch = folded(before, judged(records(62, 40)))
    other.write(batch, before)
    with pytest.raises(ReadModelsUnavailable):
        slow.session.run("COMMIT")
    assert other.checkpoints() == batch.checkpoints
    slow.close()
    other.close()
    database.engine.dispose()


def test_writers_take_what_is_free_of_the_partitions_and_give_it_back(
    postgres_database: URL,
) -> None:
    database = a_generation(postgres_database)
    looking = database.connect()
    one = Writer(database, Share([2, 0, 1], 2, PATIENCE_SECONDS))
    other = Writer(database, Share([0, 1, 2], 3, PATIENCE_SECONDS))
    assert (one.partitions, other.partitions) == ((2, 0), (1,))
    assert held(looking, SCHEMA) == {0, 1, 2}
    with pytest.raises(ShareTaken, match="partitions 0, 2"):
        Writer(database, Share([0, 2], 2, PATIENCE_SECONDS))
    one.close()
    third = until_free(database, Share([0, 2], 2, PATIENCE_SECONDS))
    assert third.partitions == (0, 2)
    for each in (other, third, looking):
        each.close()
    database.engine.dispose()


def test_of_a_share_only_the_partitions_that_a_batch_is_about_are_compared(
    postgres_database: URL,
) -> None:
    database = a_generation(postgres_database)
    entries = judged(records(63, 60, partitions=2))
    zeroth, first = ([e for e in entries if e.record.position.partition == p] for p in (0, 1))
    assert zeroth
    assert first
    ours = Writer(database, Share([0, 1], 2, PATIENCE_SECONDS))
    before = ours.checkpoints()
    whoever = Writer(database)
    whoever.write(folded(before, zeroth), before)
    with pytest.raises(OtherProjector, match="partition 0"):
        ours.write(folded(before, entries), before)
    ours.write(folded(before, first), before)
    assert whoever.checkpoints() == folded(before, entries).checkpoints
    ours.close()
    whoever.close()
    database.engine.dispose()


async def test_however_many_roots_are_asked_for_those_that_are_known_come_back(
    both: list[ReadModels],
) -> None:
    for models in both:
        frontier, alive = await models.snapshot()
        for count in (1, 2, 8, 9, 64, 65, 130):
            known = alive[: count // 2 + 1]
            keys = [*(f"acme/nobody-{number}" for number in range(count - len(known))), *known]
            found = {key async for key, _ in models.events_of(keys, frontier)}
            assert found == {*known}


async def test_who_writes_is_told_what_is_waited_for_in_another_process(
    postgres_database: URL,
) -> None:
    schemas = Schemas(postgres_database)
    here, there = ReadModels(schemas.in_use()), ReadModels(schemas.in_use())
    hears = Notifications(schemas, there)
    hears.hears_what_is_wanted = True
    hurried = asyncio.Event()
    there.hurry_with(hurried.set)
    sides = [asyncio.create_task(each) for each in (hears.run(), Hurrying(here).run())]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await hears.listening.wait()
        waiting = asyncio.create_task(here.reached({0: 3, 2: 1}, PATIENCE_SECONDS))
        await hurried.wait()
        hurried.clear()
        there.learn({0: 3})
        here.learn({0: 3})
        await hurried.wait()
        there.learn({2: 1})
        here.learn({2: 1})
        assert await waiting
    assert not there.awaited
    for side in sides:
        side.cancel()
    await asyncio.gather(*sides, return_exceptions=True)
    await asyncio.gather(here.close(), there.close())


def until_free(database: Database, share: Share) -> Writer:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Writer(database, share)
        except ShareTaken:
            assert time.monotonic() < deadline, "it keeps its share"
