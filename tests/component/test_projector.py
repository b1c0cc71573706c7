"""The one who writes the read models: each event once, by one writer, all of a batch or nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from events.errors import CountermandError
from events.event import encode
from events.log import Record
from events.positions import Position
from projections.batch import folded
from projections.checkpoint import Checkpoint, OutOfOrder
from projections.upserts import Upsert
from services.projector import ENTRIES_LIMIT, Projector
from services.read_models.errors import CheckpointMismatch, OtherLayout, OtherProjector
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_models.session import Row, Session
from services.read_models.writing import Writer
from services.read_side import open_read_side
from tests.builders import a_task
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side, digests_of, projected, written
from tests.recorded import judged, records


def test_a_batch_that_is_not_committed_has_changed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = judged(records(1, 60))
    writer = Writer(Generations(tmp_path / FOLDER).in_use())
    first = folded({}, entries[:20])
    writer.write(first, {})
    before = digests_of(tmp_path)
    put = Session.put

    def interrupted(session: Session, upsert: Upsert, rows: Sequence[Row]) -> None:
        if upsert.head.startswith("INSERT INTO checkpoints"):
            raise KeyboardInterrupt
        put(session, upsert, rows)

    monkeypatch.setattr(Session, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.write(folded(first.checkpoints, entries[20:]), first.checkpoints)
    monkeypatch.undo()
    assert digests_of(tmp_path) == before
    assert writer.checkpoints() == first.checkpoints
    writer.write(folded(first.checkpoints, entries[20:]), first.checkpoints)
    writer.close()
    written(tmp_path / "once", entries)
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


def test_the_second_of_two_projectors_is_found_out_before_it_changes_anything(
    tmp_path: Path,
) -> None:
    entries = judged(records(2, 40))
    generations = Generations(tmp_path / FOLDER)
    one, other = Writer(generations.in_use()), Writer(generations.in_use())
    batch = folded({}, entries)
    one.write(batch, {})
    before = digests_of(tmp_path)
    with pytest.raises(OtherProjector, match="partition 0 is at 40, this one left it at 0"):
        other.write(folded({}, entries), {})
    assert digests_of(tmp_path) == before
    one.close()
    other.close()


def test_the_same_number_of_other_records_is_another_projector_too(tmp_path: Path) -> None:
    """Two that write what they read from two logs: the digest of the last record tells."""
    writer = Writer(Generations(tmp_path / FOLDER).in_use())
    writer.write(folded({}, judged(records(3, 10))), {})
    elsewhere = folded({}, judged(records(4, 10)))
    with pytest.raises(OtherProjector):
        writer.write(folded(elsewhere.checkpoints, []), elsewhere.checkpoints)
    writer.close()


def test_an_entry_that_comes_again_is_refused() -> None:
    entries = judged(records(5, 3))
    checkpoints = folded({}, entries).checkpoints
    with pytest.raises(OutOfOrder):
        folded(checkpoints, entries[2:])


async def test_read_models_of_another_log_stop_the_service(tmp_path: Path) -> None:
    await projected(tmp_path, ListedLog(records(6, 30)))
    with pytest.raises(CheckpointMismatch, match="another record"):
        await open_read_side(tmp_path, ListedLog(records(7, 30)))


async def test_read_models_beyond_the_logs_end_stop_the_service(tmp_path: Path) -> None:
    told = records(8, 30)
    await projected(tmp_path, ListedLog(told))
    with pytest.raises(CheckpointMismatch, match=r"0:30, but the log ends at 29.*--replace"):
        await open_read_side(tmp_path, ListedLog(told[:29]))


def test_tables_of_another_release_are_named_with_what_to_do(tmp_path: Path) -> None:
    generations = Generations(tmp_path / FOLDER)
    session = generations.in_use().connect()
    session.run("UPDATE generation SET layout = 99")
    session.close()
    with pytest.raises(OtherLayout, match=r"layout 99.*countermand rebuild"):
        generations.in_use()


async def test_who_waits_is_woken_by_the_commit_and_reads_what_it_waited_for(
    tmp_path: Path,
) -> None:
    history = a_task("t")
    log = ListedLog([])
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        a_read_side(tmp_path, log) as (side, ledger),
    ):
        await ledger.ready.wait()
        waiting = asyncio.create_task(side.models.reached({0: 1}, PATIENCE_SECONDS))
        moved = asyncio.create_task(side.models.moved({}, PATIENCE_SECONDS))
        log.grow([Record(Position(0, 0), encode(history.events[0]), 1)])
        assert await waiting
        assert await moved == {0: 1}
        task = await side.models.of("acme").task("t")
        assert task is not None
        assert not await side.models.reached({0: 2}, 0.01)


async def test_a_projector_that_is_behind_makes_the_ledger_wait(tmp_path: Path) -> None:
    entry = judged([Record(Position(0, 0), b"not an event", 1)])[0]
    generations = Generations(tmp_path)
    database = generations.in_use()
    models = ReadModels(database)
    projector = Projector(generations, models, Writer(database))
    entries = [
        entry._replace(record=entry.record._replace(position=Position(0, offset)))
        for offset in range(ENTRIES_LIMIT)
    ]
    projector.entered(entries)
    room = asyncio.create_task(projector.room())
    await asyncio.sleep(0)
    assert not room.done()
    projecting = asyncio.create_task(projector.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await room
        assert await models.reached({0: ENTRIES_LIMIT}, PATIENCE_SECONDS)
    projecting.cancel()
    await asyncio.gather(projecting, return_exceptions=True)
    await models.close()


async def test_a_projector_lingers_until_somebody_waits_in_another_process(tmp_path: Path) -> None:
    database = Generations(tmp_path).in_use()
    models = ReadModels(database)
    for_ever = 10 * PATIENCE_SECONDS
    projector = Projector(Generations(tmp_path), models, Writer(database), linger_seconds=for_ever)
    projecting = asyncio.create_task(projector.run())
    first, second, third = judged(records(3, 3))
    projector.entered([first])
    models.want({0: 2, 1: 7})
    assert await models.moved({}, PATIENCE_SECONDS) == {0: 1}
    projector.entered([second])  # Somebody waits for it already.
    assert await models.moved({0: 1}, PATIENCE_SECONDS) == {0: 2}
    models.learn({1: 7})  # Another projector has written it.
    assert not models.awaited
    projector.entered([third])
    assert await models.moved({0: 2, 1: 7}, 0.1) == {0: 2, 1: 7}
    projecting.cancel()
    await asyncio.gather(projecting, return_exceptions=True)
    await models.close()


async def test_a_projector_in_trouble_says_so_and_stops_the_ledger(tmp_path: Path) -> None:
    entries = judged(records(9, 50))
    side = await open_read_side(tmp_path, ListedLog([]))
    intruder = Writer(Generations(tmp_path / FOLDER).in_use())
    intruder.write(folded({}, entries[:30]), {})
    intruder.close()
    side.projector.entered(entries)
    with pytest.raises(OtherProjector):
        await side.projector.run()
    assert isinstance(side.projector.trouble, OtherProjector)
    with pytest.raises(OtherProjector):
        await side.projector.room()
    await side.close()


async def test_what_is_being_written_is_written_to_its_end_when_the_service_stops(
    tmp_path: Path,
) -> None:
    told = records(10, 200)
    log = ListedLog(told)
    async with a_read_side(tmp_path, log) as (side, ledger):
        await ledger.ready.wait()
        await side.models.moved({}, PATIENCE_SECONDS)
    reached = Writer(Generations(tmp_path / FOLDER).in_use()).checkpoints()[0]
    assert isinstance(reached, Checkpoint)
    written(tmp_path / "prefix", judged(told)[: reached.next_offset])
    assert digests_of(tmp_path) == digests_of(tmp_path / "prefix")


def test_every_trouble_is_an_error_of_ours() -> None:
    for error in (CheckpointMismatch, OtherLayout, OtherProjector, OutOfOrder):
        assert issubclass(error, CountermandError)
