"""The fold of a process: what it recalls, what it forgets, and where it stops."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from events.event import encode
from events.log import Record
from events.positions import Frontier, Position
from events.state import Root
from events.words import Reason, Status, Verdict
from projections.entry import Decoded, Entry
from services.embedded import why_unready
from services.ledger import Ledger
from tests.builders import History, a_project, a_task
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side, projected
from tests.rig import LogHistory

UNKNOWN = b"""{"specversion":"1.0","id":"0190b8f1-0000-7000-8000-000000000000","source":"/x",
"type":"countermand.task.teleported.v1","subject":"t","time":"2026-01-01T00:00:00Z",
"organization":"acme","root":"t","data":{"actor":{"kind":"user","id":"ada","organization":"acme"}}}
"""


class Listening:
    """Keeps what it heard."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.cancels: list[Decoded] = []
        self.roots: Mapping[str, Root] = {}
        self._heard = asyncio.Event()

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self.roots = roots

    def entered(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)
        self._heard.set()

    def unjudged(self, cancels: Sequence[Decoded]) -> None:
        self.cancels.extend(cancels)
        self._heard.set()

    async def room(self) -> None:
        return

    async def heard(self, entries: int = 0, cancels: int = 0) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.entries) < entries or len(self.cancels) < cancels:
                self._heard.clear()
                await self._heard.wait()


def placed(*values: tuple[int, bytes]) -> list[Record]:
    """Records of these partitions and bytes."""
    offsets: dict[int, int] = {}
    told = []
    for partition, value in values:
        offset = offsets.get(partition, 0)
        offsets[partition] = offset + 1
        told.append(Record(Position(partition, offset), value, 1_000_000))
    return told


def of(history: History, partition: int = 0) -> list[tuple[int, bytes]]:
    return [(partition, encode(event)) for event in history.events]


async def test_an_unknown_version_stops_its_partition_and_no_other(tmp_path: Path) -> None:
    before, behind = a_task("t").started(), a_task("u")
    elsewhere = a_task("v").started()
    log = ListedLog(placed(*of(before), (0, UNKNOWN), *of(behind), *of(elsewhere, partition=1)))
    listening = Listening()
    async with a_read_side(tmp_path, log, listening) as (side, ledger):
        await listening.heard(entries=4)
        assert await side.models.reached({0: 2, 1: 2}, PATIENCE_SECONDS)
        assert ledger.stopped[0].position == (0, 2)
        assert "countermand.task.teleported.v1" in str(ledger.stopped[0].why)
        assert 1 not in ledger.stopped
        why = why_unready(ledger, side.projector)
        assert why is not None
        assert "partition 0 stands at offset 2" in why
        assert "countermand.task.teleported.v1" in why
        view = side.models.of("acme")
        assert await view.task("u") is None, "nothing behind it is projected"
        running = await view.task("v")
        assert running is not None
        assert running.status is Status.RUNNING
        log.grow([Record(Position(0, 4), encode(a_task("w").events[0]), 1)])
        log.grow([Record(Position(1, 2), encode(elsewhere.completed().events[-1]), 1)])
        await listening.heard(entries=5)
        assert await side.models.reached({1: 3}, PATIENCE_SECONDS)
        assert side.models.frontier() == {0: 2, 1: 3}


async def test_known_cancels_behind_an_unknown_version_still_reach_who_obeys_them(
    tmp_path: Path,
) -> None:
    running = a_task("t").started()
    project = a_project().project_cancel_requested()
    cancel, stop = running.cancel_requested().events[-1], project.events[-1]
    log = ListedLog(
        placed(
            *of(running), (0, UNKNOWN), (0, encode(cancel)), (0, b"malformed"), (0, encode(stop))
        )
    )
    listening = Listening()
    async with a_read_side(tmp_path, log, listening, obeying=[listening]):
        await listening.heard(entries=2, cancels=2)
    assert [one.event for one in listening.cancels] == [cancel, stop]
    assert len(listening.entries) == 2, "they have no verdict, so they are no entries"


async def test_malformed_bytes_are_kept_and_shown_to_operators(tmp_path: Path) -> None:
    history = a_task("t")
    log = ListedLog(placed(*of(history), (0, b"\x00\xffnonsense"), (1, b"{}")))
    async with a_read_side(tmp_path, log) as (side, _):
        assert await side.models.reached(await log.end(), PATIENCE_SECONDS)
        first = await side.models.malformed_records(limit=1)
        rest = await side.models.malformed_records(cursor=first.next_cursor, limit=1)
        assert [r.value for r in (*first.rows, *rest.rows)] == [b"\x00\xffnonsense", b"{}"]
        assert all(record.trouble for record in (*first.rows, *rest.rows))
        assert rest.next_cursor is None
        lines = await side.models.of("acme").history()
        assert [line.about for line in lines.rows] == ["t"], "they are no organization's"


@pytest.mark.parametrize("finished_kept", [0, 20_000])
async def test_a_root_that_was_forgotten_is_recalled_and_remembers_everything(
    tmp_path: Path, finished_kept: int
) -> None:
    """An id comes again long after its task finished, and after a restart: it never runs again."""
    history = a_task("t").started().completed()
    others = [a_task(f"other-{number}").started().completed() for number in range(30)]
    told = placed(*of(history), *(each for other in others for each in of(other)))
    await projected(tmp_path, ListedLog(told), finished_kept=finished_kept)
    again = a_task("t", kind="other").then(history.events[1].data).cancel_requested()
    repeat = (0, encode(history.events[0]))
    late = placed(*((0, record.value) for record in told), repeat, *of(again))
    listening = Listening()
    log = ListedLog(late)
    async with a_read_side(tmp_path, log, listening, finished_kept=finished_kept) as (_, ledger):
        await listening.heard(entries=4)
        assert "acme/t" not in ledger.memory.roots or ledger.memory.roots["acme/t"].tasks["t"]
    assert [entry.outcome.verdict for entry in listening.entries] == [Verdict.VOID] * 4
    assert [entry.outcome.reason for entry in listening.entries] == [
        Reason.DUPLICATE,
        Reason.DUPLICATE,
        Reason.DUPLICATE,
        Reason.ALREADY_FINISHED,
    ]
    assert listening.entries[-1].outcome.late_seconds is not None


async def test_a_start_takes_what_is_alive_and_nothing_else(tmp_path: Path) -> None:
    finished = [a_task(f"done-{number}").started().completed() for number in range(20)]
    alive = [a_task("a").started(), a_project("x", subject="p"), a_task("f").started().failed()]
    held = History("later").cancel_requested(hold_seconds=100)
    told = placed(*(each for h in (*finished, *alive, held) for each in of(h)))
    await projected(tmp_path, ListedLog(told))
    listening = Listening()
    async with a_read_side(tmp_path, ListedLog(told), listening) as (_, ledger):
        await ledger.ready.wait()
        assert sorted(listening.roots) == ["acme/a", "acme/p"]
        assert listening.roots["acme/a"] == alive[0].root
        assert listening.roots["acme/p"] == alive[1].root


async def test_a_tombstone_that_was_forgotten_still_stops_its_task(tmp_path: Path) -> None:
    held = History("later").cancel_requested(hold_seconds=1000)
    told = placed(*of(held))
    await projected(tmp_path, ListedLog(told))
    submitted = held.submitted()
    listening = Listening()
    log = ListedLog(placed(*of(submitted)))
    async with a_read_side(tmp_path, log, listening) as (side, _):
        await listening.heard(entries=1)
        assert await side.models.reached({0: 2}, PATIENCE_SECONDS)
        task = await side.models.of("acme").task("later")
    assert task is not None
    assert task.status is Status.CANCELLED
    assert task.cancel is not None
    assert task.cancel.id == held.events[0].id


async def test_many_unknown_ids_leave_nothing_in_memory(tmp_path: Path) -> None:
    probes = [History(f"guess-{number}").cancel_requested() for number in range(300)]
    log = ListedLog(placed(*(each for probe in probes for each in of(probe))))
    async with a_read_side(tmp_path, log, finished_kept=10) as (side, ledger):
        assert await side.models.reached(await log.end(), PATIENCE_SECONDS)
        end = a_task("t")
        log.grow([Record(Position(0, 300), encode(end.events[0]), 1)])
        assert await side.models.reached({0: 301}, PATIENCE_SECONDS)
        assert len(ledger.memory.roots) <= 62, "ten that are kept, a batch, and the live one"


async def test_records_that_come_twice_are_judged_once(tmp_path: Path) -> None:
    told = placed(*of(a_task("t").started()))
    listening = Listening()
    log = ListedLog([told[0], told[0], told[1], told[1]])
    async with a_read_side(tmp_path, log, listening) as (side, _):
        assert await side.models.reached({0: 2}, PATIENCE_SECONDS)
    assert [entry.record.position.offset for entry in listening.entries] == [0, 1]


async def test_a_ledger_judges_nothing_before_others_have_gone_first() -> None:
    log = ListedLog(placed(*of(a_task("t")), *of(a_task("u"))))
    listening, asked, others = Listening(), asyncio.Event(), asyncio.Event()

    async def give_way(first: Record) -> None:
        assert len(listening.entries) == first.position.offset
        asked.set()
        await others.wait()

    ledger = Ledger(log, LogHistory(log), [listening], batch_records=1, give_way=give_way)
    judging = asyncio.create_task(ledger.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asked.wait()
    assert listening.entries == []
    others.set()
    await listening.heard(entries=2)
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging
