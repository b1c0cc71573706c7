"""What is answered from the fold is what the rows show, at every step of a task's life."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.event import Event, encode
from events.log import Record
from events.positions import Position
from events.words import Mode
from services.at_hand import AtHand
from services.read_models.rows import Task
from services.verdicts import Verdicts
from tests.builders import a_task, an_executing_project, nothing_yet
from tests.proof_size import count
from tests.read_side import PATIENCE_SECONDS, ListedLog, a_read_side
from tests.recorded import judged, records

STORIES = {
    "stopped": a_task()
    .started()
    .cancel_requested()
    .cancel_observed()
    .cancel_unconfirmed()
    .cancel_observed()
    .cancel_unconfirmed()
    .cancelled(),
    "forced": a_task().started().cancel_requested().cancel_requested(Mode.FORCE).cancelled(),
    "ended": a_task().started().completed({"rows": 12}).repeated().cancel_requested(),
    "tried again": a_task(max_attempts=2).started().failed().started().lost().retried().started(),
    "asked": a_task().started().waiting().resumed(1, {"yes": True}).progressed().completed(None),
    "a tombstone": nothing_yet().cancel_requested(hold_seconds=60).submitted(),
    "from above": an_executing_project("a", "b")
    .of("a")
    .started()
    .of("")
    .project_cancel_requested(),
}


@pytest.mark.parametrize("story", STORIES)
def test_each_step_of_a_story(story: str) -> None:
    events = STORIES[story].events
    kinds = [compared(told(events[:length])) for length in range(1, len(events) + 1)]
    assert any(kinds)


@pytest.mark.prove
@settings(max_examples=count(small=6, full=60))
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(1, 3), st.sampled_from((0, 20_000)))
def test_random_histories(seed: int, length: int, partitions: int, finished_kept: int) -> None:
    compared(records(seed, length, partitions), seed, finished_kept)


def test_observed_and_unconfirmed_are_shown() -> None:
    (task,) = compared(told(STORIES["stopped"].events))
    assert task.cancel is not None
    assert task.cancel.observed_at is not None
    assert task.cancel.unconfirmed_at is not None
    assert task.cancel.observed_at < task.cancel.unconfirmed_at


def told(events: Sequence[Event]) -> list[Record]:
    return [
        Record(Position(0, offset), encode(event), offset) for offset, event in enumerate(events)
    ]


def compared(told: Sequence[Record], seed: int = 0, finished_kept: int = 20_000) -> list[Task]:
    """Both of every task that is spoken of; those that were at hand."""
    subjects = {
        (e.event.organization, t.id) for e in judged(told) if e.event for t in e.outcome.tasks
    }
    verdicts = Verdicts()
    at_hand = AtHand(verdicts)

    async def both(data: Path) -> list[Task]:
        found = []
        log = ListedLog(told, seed)
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            a_read_side(data, log, verdicts, at_hand, finished_kept=finished_kept) as (side, _),
        ):
            assert await side.models.reached(await log.end(), PATIENCE_SECONDS)
            for organization, id in sorted(subjects):
                task = at_hand.task(organization, id, {})
                if task is not None:
                    assert task == await side.models.of(organization).task(id)
                    found.append(task)
        return found

    with TemporaryDirectory() as folder:
        return asyncio.run(both(Path(folder)))
