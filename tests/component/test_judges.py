"""A long log is judged by several processes: what they make, what they recall, and their deaths."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import uvloop

from events.errors import UnknownVersion
from events.event import encode
from events.log import Record
from services.read_models.generations import FOLDER, Generations
from services.rebuild.judges import MODULE, JudgeGone
from services.rebuild.rebuild import Rebuilt, rebuild
from tests.builders import a_task
from tests.component.test_ledger import UNKNOWN, placed
from tests.component.test_rebuild import Watching
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side, digests_of, projected
from tests.recorded import records

BATCH_RECORDS = 40


@pytest.fixture(autouse=True)
def _every_log_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.rebuild.builder.SHARED_FROM_RECORDS", BATCH_RECORDS)
    monkeypatch.setattr("services.rebuild.sharing.RECORDS_AT_ONCE", BATCH_RECORDS)
    monkeypatch.setattr("services.rebuild.builder.os.sched_getaffinity", lambda _: {0, 1})


class Acting(Watching):
    """Watches a rebuild, and does something when a few records were taken in."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act
        self.acted = 0

    def took(self, records: int) -> None:
        super().took(records)
        if not self.acted:
            self._act()
            self.acted = self.records


def judging() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if MODULE in each.cmdline()]


async def rebuilt(data: Path, told: list[Record], watch: Watching | None = None) -> Rebuilt:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await rebuild(Generations(data / FOLDER), ListedLog(told), watch or Watching())


@pytest.mark.parametrize("partitions", [1, 3])
async def test_what_several_judges_make_is_what_one_projector_makes(
    tmp_path: Path, partitions: int
) -> None:
    told = records(40, 700, partitions)
    await projected(tmp_path, ListedLog(told))
    seen: list[int] = []
    watch = Acting(lambda: seen.append(len(judging())))
    done = await rebuilt(tmp_path, told, watch)
    assert (done.records, done.compared) == (700, True)
    assert seen == [2]
    assert watch.records == 700
    assert not judging()


def test_judges_are_started_from_uvloop_too(tmp_path: Path) -> None:
    told = records(40, 700)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        done = runner.run(rebuilt(tmp_path, told))
    assert done.records == 700
    assert not judging()


async def test_what_came_meanwhile_is_caught_up_with_from_what_the_judges_made(
    tmp_path: Path,
) -> None:
    told = records(41, 500)
    log = ListedLog(told[:300])
    async with asyncio.timeout(PATIENCE_SECONDS), a_read_side(tmp_path, log) as (side, _):
        assert await side.models.reached({0: 300}, PATIENCE_SECONDS)
        watch = Watching(
            making_indexes=lambda: log.grow(told[300:320]),  # one process is enough for them
            comparing=lambda: log.grow(told[320:480]),
            taking_over=lambda: log.grow(told[480:]),
        )
        done = await rebuild(Generations(tmp_path / FOLDER), log, watch)
        assert done.compared
        assert await side.models.reached({0: 500}, PATIENCE_SECONDS)
    await projected(tmp_path / "once", ListedLog(told))
    assert digests_of(tmp_path) == digests_of(tmp_path / "once")


async def test_judges_recall_roots_that_they_have_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.rebuild.builder.FINISHED_KEPT", 4)
    monkeypatch.setattr("services.rebuild.sharing.KEYS_KEPT", 4)
    finished = [a_task(f"t{number}").started().completed() for number in range(150)]
    again = [a_task("t1", kind="other").events[0], finished[2].events[0], finished[3].events[2]]
    told = [event for history in finished for event in history.events]
    told[300:300] = again  # a judge has been asked for the next ones while it waits for these
    log = placed(*((0, encode(event)) for event in (*told, *again)))
    await projected(tmp_path, ListedLog(log))
    assert (await rebuilt(tmp_path, log)).compared


@pytest.mark.parametrize("judge", [0, 1])
async def test_a_judge_that_dies_ends_the_rebuild_and_nothing_else(
    tmp_path: Path, judge: int
) -> None:
    told = records(42, 800)
    await projected(tmp_path, ListedLog(told))
    before = digests_of(tmp_path)
    watch = Acting(lambda: judging()[judge].kill())
    with pytest.raises(JudgeGone, match="ended by signal 9") as gone:
        await rebuilt(tmp_path, told, watch)
    assert "what is in use stays" in str(gone.value)
    assert watch.records < 800
    assert not judging()
    assert Generations(tmp_path / FOLDER).numbers() == [1]
    assert digests_of(tmp_path) == before
    assert (await rebuilt(tmp_path, told)).compared


async def test_a_judge_that_stands_still_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.rebuild.judges.PATIENCE_SECONDS", 1)
    watch = Acting(lambda: judging()[1].send_signal(signal.SIGSTOP))
    with pytest.raises(JudgeGone, match="has said nothing for 1 s"):
        await rebuilt(tmp_path, records(43, 800), watch)
    assert not judging()


async def test_a_judge_that_cannot_be_started_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.rebuild.judges.sys.executable", str(tmp_path / "nowhere"))
    with pytest.raises(JudgeGone, match="couldn't be started"):
        await rebuilt(tmp_path, records(44, 100))


async def test_a_judge_stops_at_what_it_cannot_read(tmp_path: Path) -> None:
    told = [encode(a_task(f"t{number}").events[0]) for number in range(100)]
    log = placed(*((0, value) for value in told), (0, UNKNOWN))
    with pytest.raises(UnknownVersion, match=r"countermand\.task\.teleported\.v1"):
        await rebuilt(tmp_path, log)
    assert Generations(tmp_path / FOLDER).live() == 1
    assert not judging()


async def test_a_rebuild_that_is_cancelled_leaves_no_judge(tmp_path: Path) -> None:
    working = asyncio.create_task(
        rebuilt(tmp_path, records(45, 800), Acting(lambda: working.cancel()))
    )
    with pytest.raises(asyncio.CancelledError):
        await working
    assert not judging()
    assert Generations(tmp_path / FOLDER).numbers() == [1]
