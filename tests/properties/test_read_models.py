"""However a log is cut into batches, restarts and generations: the same rows, the same verdicts."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.event import Event, encode, new_event
from events.ids import derived_id
from events.log import Record
from events.positions import Frontier, Position, after
from events.run_events import TaskStarted
from events.state import Root, TaskState
from events.vocabulary import HistoryBody
from events.words import Verdict
from projections.entry import Entry
from services.read_models.generations import FOLDER, Generations
from services.rebuild.rebuild import rebuild
from tests.builders.actors import START, USER
from tests.proof_size import count
from tests.read_side import ListedLog, digests_of, projected, written
from tests.recorded import judged, records

seeds = st.integers(0, 2**32)
lengths = st.integers(0, 300)
partitions = st.integers(1, 3)
kept = st.sampled_from((0, 3, 20_000))
"""How much of what has finished is remembered; what isn't, is recalled."""


class Nobody:
    """Watches a rebuild."""

    def begins(self, step: str, records: int) -> None:
        return

    def took(self, records: int) -> None:
        return


@pytest.mark.prove
@settings(max_examples=count(small=5, full=60))
@given(seeds, lengths, partitions, st.lists(st.integers(0, 300), max_size=8))
def test_batches_may_be_cut_anywhere(
    seed: int, length: int, partitions: int, cuts: list[int]
) -> None:
    entries = judged(records(seed, length, partitions))
    with TemporaryDirectory() as once, TemporaryDirectory() as cut:
        written(Path(once), entries)
        written(Path(cut), entries, [each for each in cuts if each <= length])
        assert digests_of(Path(once)) == digests_of(Path(cut))


@pytest.mark.prove
@settings(max_examples=count(small=4, full=45))
@given(seeds, lengths, partitions, st.lists(st.integers(0, 300), max_size=4), kept)
def test_resumed_from_any_checkpoint_equals_one_pass(
    seed: int, length: int, partitions: int, stops: list[int], finished_kept: int
) -> None:
    """Each time a new process, whose ledger recalls what it needs from the read models."""
    told = records(seed, length, partitions)
    with TemporaryDirectory() as once, TemporaryDirectory() as resumed:
        for stop in [*sorted(stops), length]:
            log = ListedLog(told[:stop], stop)
            asyncio.run(projected(Path(resumed), log, finished_kept=finished_kept))
        written(Path(once), judged(told))
        assert digests_of(Path(once)) == digests_of(Path(resumed))


@pytest.mark.prove
@settings(max_examples=count(small=4, full=45))
@given(seeds, lengths, partitions, kept)
def test_a_rebuilt_generation_equals_the_one_in_use(
    seed: int, length: int, partitions: int, finished_kept: int
) -> None:
    told = records(seed, length, partitions)
    with TemporaryDirectory() as folder:
        data = Path(folder)

        async def live_and_rebuild() -> int:
            await projected(data, ListedLog(told, seed), finished_kept=finished_kept)
            generations = Generations(data / FOLDER)
            return (await rebuild(generations, ListedLog(told), Nobody())).generation

        # A rebuild compares by itself, and refuses to take over when anything differs.
        assert asyncio.run(live_and_rebuild()) == 2
        assert digests_of(data)


@pytest.mark.prove
@settings(max_examples=count(small=4, full=45))
@given(seeds, st.integers(1, 300), partitions, kept, st.booleans())
def test_an_id_that_comes_again_after_its_end_never_runs_again(
    seed: int, length: int, partitions: int, finished_kept: int, after_a_restart: bool
) -> None:
    """However long ago: memory has forgotten it, or another process had it."""
    told = records(seed, length, partitions)
    before = judged(told)
    ended = {
        (entry.event.organization, entry.event.subject): entry.record.position.partition
        for entry in before
        if entry.event and isinstance(entry.after, TaskState) and entry.after.finished
    }
    state = {(e.event.organization, e.event.subject): e.after for e in before if e.event}
    again = placed_behind(
        told,
        [
            (partition, event)
            for (organization, task_id), partition in ended.items()
            if isinstance(last := state[organization, task_id], TaskState) and last.finished
            for event in everything_to_run_it_again(organization, last)
        ],
    )

    async def lives() -> list[Entry]:
        if after_a_restart:
            with_restart = ListedLog(told, seed)
            await projected(data, with_restart, finished_kept=finished_kept)
        heard = Heard()
        log = ListedLog([*told, *again], seed)
        await projected(data, log, heard, finished_kept=finished_kept)
        return heard.entries

    with TemporaryDirectory() as folder:
        data = Path(folder)
        entries = asyncio.run(lives())[-len(again) :] if again else []
    assert len(entries) == len(again)
    for entry in entries:
        assert entry.outcome.verdict is Verdict.VOID
        assert not entry.outcome.tasks


class Heard:
    """Keeps what was judged."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        return

    def entered(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)

    async def room(self) -> None:
        return


def everything_to_run_it_again(organization: str, task: TaskState) -> list[Event]:
    """The same submission, another one of the same id, and claims of any attempt."""
    actor = USER.model_copy(update={"organization": organization})

    def said(body: HistoryBody, id: UUID) -> Event:
        return new_event(
            body,
            id=id,
            subject=task.id,
            organization=organization,
            time=START + timedelta(days=1),
            source="/test",
        )

    claims = [
        TaskStarted(actor=actor, run_id=derived_id("again", n), attempt=n, executor="z")
        for n in range(1, task.attempt + 2)
    ]
    return [
        said(task.spec, task.submission_id),
        said(task.spec, derived_id("again", task.id)),
        *(said(claim, claim.run_id) for claim in claims),
    ]


def placed_behind(told: Sequence[Record], events: Sequence[tuple[int, Event]]) -> list[Record]:
    reached = dict(after({}, (record.position for record in told)))
    placed = []
    for partition, event in events:
        offset = reached.get(partition, 0)
        reached[partition] = offset + 1
        placed.append(Record(Position(partition, offset), encode(event), 1))
    return placed
