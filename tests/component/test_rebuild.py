"""A new generation beside the one in use: when it takes over, when it doesn't, and who notices."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from events.errors import UnknownVersion
from events.event import encode
from events.log import Record
from events.positions import Position
from projections import tables
from projections.batch import folded
from services.read_models.errors import CheckpointMismatch, OtherProjector, RebuildRunning
from services.read_models.generations import FOLDER, Generations
from services.read_models.writing import Writer
from services.read_side import open_read_side
from services.rebuild.rebuild import Differs, Rebuilt, rebuild
from tests.builders import a_task
from tests.component.test_ledger import UNKNOWN, placed
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side, digests_of, projected, written
from tests.recorded import judged, records


class Watching:
    """Watches a rebuild, and does something when a step begins."""

    def __init__(self, **at: Callable[[], None]) -> None:
        self.steps: list[str] = []
        self.records = 0
        self._at = at

    def begins(self, step: str, records: int) -> None:
        self.steps.append(step)
        if act := self._at.pop(step.replace(" ", "_"), None):
            act()

    def took(self, records: int) -> None:
        self.records += records


async def rebuilt(data: Path, log: ListedLog, *, replace: bool = False) -> Rebuilt:
    return await rebuild(Generations(data / FOLDER), log, Watching(), replace=replace)


async def test_a_running_service_goes_on_in_the_generation_that_took_over(tmp_path: Path) -> None:
    told = records(20, 400)
    log = ListedLog(told[:200])
    generations = Generations(tmp_path / FOLDER)
    async with asyncio.timeout(PATIENCE_SECONDS), a_read_side(tmp_path, log) as (side, _):
        assert await side.models.reached({0: 200}, PATIENCE_SECONDS)
        before = await side.models.of("acme").tasks(limit=1000)
        # While it is built, indexed, compared: more is said, and projected into what is in use.
        watching = Watching(
            making_indexes=lambda: log.grow(told[200:260]),
            comparing=lambda: log.grow(told[260:300]),
            taking_over=lambda: log.grow(told[300:310]),
        )
        done = await rebuild(generations, log, watching)
        assert done.generation == generations.live() == 2
        assert done.compared
        assert await side.models.reached({0: 310}, PATIENCE_SECONDS)
        log.grow(told[310:])
        assert await side.models.reached({0: 400}, PATIENCE_SECONDS)
        assert generations.numbers() == [2], "what was superseded is gone"
        assert await side.models.of("acme").tasks(limit=1000) != before
        assert side.projector.trouble is None
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_a_service_goes_on_behind_two_rebuilds_with_nothing_in_between(
    tmp_path: Path,
) -> None:
    told = records(28, 120)
    log = ListedLog(told[:100])
    generations = Generations(tmp_path / FOLDER)
    async with asyncio.timeout(PATIENCE_SECONDS), a_read_side(tmp_path, log) as (side, _):
        assert await side.models.reached({0: 100}, PATIENCE_SECONDS)
        await rebuilt(tmp_path, log)
        await rebuilt(tmp_path, log)
        log.grow(told[100:])
        assert await side.models.reached({0: 120}, PATIENCE_SECONDS)
        assert generations.numbers() == [3]
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_a_service_that_starts_later_opens_the_generation_that_took_over(
    tmp_path: Path,
) -> None:
    log = ListedLog(records(21, 100))
    await projected(tmp_path, log)
    await rebuilt(tmp_path, log)
    side = await open_read_side(tmp_path, log)
    assert Generations(tmp_path / FOLDER).numbers() == [2]
    assert side.models.frontier() == {0: 100}
    await side.close()


async def test_read_models_that_are_not_there_are_made_to_the_end_of_the_log(
    tmp_path: Path,
) -> None:
    log = ListedLog(records(22, 150, partitions=2))
    done = await rebuilt(tmp_path, log)
    assert (done.records, done.compared) == (150, False)
    await projected(tmp_path / "once", log)
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_a_rebuilt_generation_has_every_index(tmp_path: Path) -> None:
    await rebuilt(tmp_path, ListedLog(records(24, 100)))
    generations = Generations(tmp_path / FOLDER)
    generations.make(9)
    live, built = (
        {each["name"] for table in tables.metadata.tables for each in looked.get_indexes(table)}
        for looked in (inspect(generations.database(number).engine) for number in (9, 2))
    )
    assert built == live
    assert live > tables.IN_LOG_ORDER


async def test_read_models_that_were_behind_come_to_the_end_of_the_log(tmp_path: Path) -> None:
    told = records(23, 150)
    await projected(tmp_path, ListedLog(told[:60]))
    done = await rebuilt(tmp_path, ListedLog(told))
    assert (done.records, done.compared) == (150, True)


@pytest.fixture(scope="module")
def a_generation_in_use(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ListedLog]:
    """For those who take a copy of it."""
    data, log = tmp_path_factory.mktemp("in-use"), ListedLog(records(24, 800))
    asyncio.run(projected(data, log))
    return data, log


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("UPDATE history SET verdict = 'void' WHERE place = 5", "history"),
        ("DELETE FROM task_status WHERE id = 'r0'", "task_status"),
        ("UPDATE cancellations SET evidence = 'killed'", "cancellations"),
        ("DELETE FROM task_labels", "task_labels"),
        ("UPDATE projects SET active = active + 1", "projects"),
        ("UPDATE project_changes SET arrived = 0", "project_changes"),
        ("DELETE FROM history_below", "history_below"),
        ("UPDATE changes_below SET attempt = 7", "changes_below"),
        ("UPDATE roots SET live = 1 - live", "roots"),
    ],
)
async def test_a_generation_that_differs_stays_in_use_until_it_is_replaced(
    tmp_path: Path, a_generation_in_use: tuple[Path, ListedLog], damage: str, table: str
) -> None:
    data, log = a_generation_in_use
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    generations = Generations(tmp_path / FOLDER)
    with closing(generations.in_use().connect()) as session:
        session.run(damage)
    damaged = digests_of(tmp_path)
    with pytest.raises(Differs) as told:
        await rebuilt(tmp_path, log)
    assert told.value.tables == [table]
    assert "--replace" in str(told.value)
    assert generations.numbers() == [1]
    assert digests_of(tmp_path) == damaged
    done = await rebuilt(tmp_path, log, replace=True)
    assert (done.generation, done.compared) == (2, False)
    assert digests_of(tmp_path) != damaged


async def test_a_log_that_was_replaced_is_noticed_and_may_be_taken(tmp_path: Path) -> None:
    await projected(tmp_path, ListedLog(records(25, 50)))
    other = ListedLog(records(26, 40))
    with pytest.raises(CheckpointMismatch):
        await rebuilt(tmp_path, other)
    await rebuilt(tmp_path, other, replace=True)
    await projected(tmp_path, other)


async def test_what_a_killed_rebuild_left_is_rubbish(tmp_path: Path) -> None:
    log = ListedLog(records(27, 50))
    await projected(tmp_path, log)
    generations = Generations(tmp_path / FOLDER)
    before = digests_of(tmp_path)
    generations.path(2).write_bytes(b"half a file")
    assert generations.live() == 1
    assert digests_of(tmp_path) == before
    assert (await rebuilt(tmp_path, log)).generation == 2
    assert digests_of(tmp_path) == before


async def test_one_rebuild_at_a_time(tmp_path: Path) -> None:
    generations = Generations(tmp_path / FOLDER)
    with generations.rebuilding(), pytest.raises(RebuildRunning):
        await rebuilt(tmp_path, ListedLog([]))


async def test_a_rebuild_stops_at_what_it_cannot_read_and_changes_nothing(tmp_path: Path) -> None:
    told = placed((0, encode(a_task("t").events[0])), (0, UNKNOWN))
    with pytest.raises(UnknownVersion):
        await rebuilt(tmp_path, ListedLog(told))
    assert Generations(tmp_path / FOLDER).live() == 1


async def test_an_old_root_is_recalled_while_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.rebuild.builder.FINISHED_KEPT", 5)
    monkeypatch.setattr("services.rebuild.builder.RECORDS_AT_ONCE", 20)
    finished = [a_task(f"t{number}").started().completed() for number in range(40)]
    again = [a_task("t1", kind="other").events[0], finished[2].events[0]]
    told = [encode(event) for history in finished for event in history.events]
    log = ListedLog(placed(*((0, value) for value in (*told, *map(encode, again)))))
    await projected(tmp_path, log)
    assert (await rebuilt(tmp_path, log)).compared


async def test_a_successor_that_doesnt_hold_everything_is_refused(tmp_path: Path) -> None:
    """Somebody has put another file in its place: the projector stops rather than leave a gap."""
    told = records(28, 60)
    log = ListedLog(told[:40])
    side = await open_read_side(tmp_path, log)
    generations = Generations(tmp_path / FOLDER)
    entries = judged(told)
    side.projector.entered(entries[:40])
    projecting = asyncio.create_task(side.projector.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await side.models.reached({0: 40}, PATIENCE_SECONDS)
        generations.make(2)
        successor = Writer(generations.database(2))
        successor.write(folded({}, entries[:30]), {})
        successor.close()
        with closing(generations.database(1).connect()) as session:
            session.run("UPDATE generation SET successor = 2")
        side.projector.entered(entries[40:])
        with pytest.raises(OtherProjector):
            await projecting
    await side.close()


async def test_what_a_successor_has_taken_in_already_is_passed_over(tmp_path: Path) -> None:
    entries = judged(records(32, 90))
    side = await open_read_side(tmp_path, ListedLog([]))
    generations = Generations(tmp_path / FOLDER)
    side.projector.entered(entries[:40])
    projecting = asyncio.create_task(side.projector.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await side.models.reached({0: 40}, PATIENCE_SECONDS)
        generations.make(2)
        successor = Writer(generations.database(2))
        successor.write(folded({}, entries[:60]), {})
        successor.close()
        with closing(generations.database(1).connect()) as session:
            session.run("UPDATE generation SET successor = 2")
        side.projector.entered(entries[40:50])
        assert await side.models.reached({0: 60}, PATIENCE_SECONDS)
        side.projector.entered(entries[50:])
        assert await side.models.reached({0: 90}, PATIENCE_SECONDS)
    projecting.cancel()
    await asyncio.gather(projecting, return_exceptions=True)
    await side.close()
    written(tmp_path / "once", entries)
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


def test_positions_are_left_out_of_what_is_compared(tmp_path: Path) -> None:
    told = records(29, 100)
    shifted = [
        Record(Position(0, record.position.offset * 3), record.value, record.appended_at_us + 7)
        for record in told
    ]
    asyncio.run(projected(tmp_path / "one", ListedLog(told)))
    asyncio.run(projected(tmp_path / "other", ListedLog(shifted)))
    assert digests_of(tmp_path / "one") == digests_of(tmp_path / "other")
