"""Any past is what the fold of its prefix says, and nothing that came later shows in it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.log import Record
from events.positions import Frontier, covers
from events.state import ProjectState, Root, TaskState
from events.words import Status
from projections.entry import Entry
from projections.memory import Memory
from projections.moments import moment
from services.read_models.models import ReadModels
from services.read_models.questions import HistoryFilter, TaskFilter
from services.read_models.rows import Project, Task
from tests.proof_size import count
from tests.read_side import written
from tests.recorded import ORGANIZATIONS, judged, records

INSTANT = timedelta(microseconds=1)
POINTS = 6
"""Of the past, for each log."""


@pytest.mark.prove
@settings(max_examples=count(small=5, full=40))
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 3))
def test_as_of_a_frontier_is_what_a_prefix_made(seed: int, length: int, partitions: int) -> None:
    told = records(seed, length, partitions)
    entries = judged(told)
    random = Random(seed)
    with TemporaryDirectory() as folder:
        whole = written(Path(folder) / "whole", entries)
        for number in range(POINTS):
            then = a_frontier(random, told)
            before = [each for each in entries if covers(then, each.record.position)]
            prefix = written(Path(folder) / str(number), before)
            asyncio.run(compare(whole, prefix, then, entries, before))
            asyncio.run(prefix.close())
        asyncio.run(whole.close())


def a_frontier(random: Random, told: Sequence[Record]) -> Frontier:
    ends: dict[int, int] = {}
    for record in told:
        partition, offset = record.position
        ends[partition] = offset + 1
    return {partition: random.randint(0, end) for partition, end in ends.items()}


async def compare(
    whole: ReadModels,
    prefix: ReadModels,
    then: Frontier,
    entries: Sequence[Entry],
    before: Sequence[Entry],
) -> None:
    roots = folded(before)
    for organization in ORGANIZATIONS:
        past, now = whole.of(organization), prefix.of(organization)
        for subject in subjects_of(organization, entries):
            root = roots.get(f"{organization}/{subject.partition('.')[0]}", Root())
            task = await now.task(subject)
            assert await past.task(subject, as_of=then) == task
            assert_says(task, root.tasks.get(subject), before)
            project = await now.project(subject)
            assert await past.project(subject, as_of=then) == project
            known = root.project if root.project and root.project.id == subject else None
            assert_project_says(project, known)
        failed = TaskFilter(status=[Status.FAILED, Status.CANCELLED])
        for where in (TaskFilter(), failed):
            assert await past.tasks(where, as_of=then, limit=1000) == await now.tasks(
                where, limit=1000
            )
        assert await past.projects(as_of=then) == await now.projects()


def subjects_of(organization: str, entries: Sequence[Entry]) -> list[str]:
    events = [entry.event for entry in entries if entry.event is not None]
    return sorted({event.subject for event in events if event.organization == organization})


def folded(entries: Sequence[Entry]) -> dict[str, Root]:
    memory = Memory(finished_kept=10**9)
    for entry in entries:
        if entry.event is not None:
            if entry.event.key not in memory.roots:
                memory.recall(entry.event.key)
            memory.recall(entry.event.key, [entry.event])
    return memory.roots


def assert_says(row: Task | None, state: TaskState | None, before: Sequence[Entry]) -> None:
    """The row says what the fold does."""
    assert (row is None) == (state is None)
    if row is None or state is None:
        return
    assert row.spec == state.spec
    assert (row.submission_id, row.created_at) == (state.submission_id, state.created_at)
    assert (row.status, row.evidence) == (state.status, state.evidence)
    assert (row.attempt, row.failures) == (state.attempt, state.failures)
    assert (row.not_before, row.waiting_for) == (state.not_before, state.waiting_for)
    assert row.answered == state.answered
    assert row.run_id == (state.run.id if state.run else None)
    assert row.executor == (state.run.executor if state.run else None)
    assert (row.started_at, row.finished_at) == (state.started_at, state.finished_at)
    assert (row.result, row.error, row.error_type) == (state.result, state.error, state.error_type)
    assert row.contradicted == state.contradicted
    assert (row.cancel is None) == (state.cancel is None)
    if row.cancel is not None and state.cancel is not None:
        said, known = row.cancel, state.cancel
        assert (said.id, said.subject, said.mode) == (known.id, known.subject, known.mode)
        assert (said.origin, said.actor, said.reason) == (known.origin, known.actor, known.reason)
        assert said.grace_seconds == known.grace_seconds
        assert said.requested_at == known.requested_at
        assert said.stopped_at == state.finished_at
        told = [
            entry.event.time
            for entry in before
            if entry.event
            and entry.event.organization == row.organization
            and entry.event.subject == row.id
            and entry.event.type == "countermand.cancel.observed.v1"
            and entry.outcome.verdict == "noted"
        ]
        assert said.observed_at == (told[0] if told else None)


def assert_project_says(row: Project | None, state: ProjectState | None) -> None:
    assert (row is None) == (state is None)
    if row is None or state is None:
        return
    assert row.spec == state.spec
    assert row.status == state.status
    assert (row.plan, row.planned_tasks, row.pauses) == (
        state.plan,
        state.planned_tasks,
        state.pauses,
    )
    assert (row.arrived, row.unfinished) == (state.arrived, state.unfinished)
    assert (row.active, row.failed) == (state.active, state.failed)
    assert (row.started_at, row.finished_at) == (state.started_at, state.finished_at)
    assert (row.cancel.id if row.cancel else None) == (state.cancel.id if state.cancel else None)


@pytest.mark.prove
@settings(max_examples=count(small=6, full=90))
@given(st.integers(0, 2**32), st.integers(1, 200), st.integers(1, 3), st.data())
def test_as_of_a_time_is_the_longest_prefix_not_later_though_clocks_go_back(
    seed: int, length: int, partitions: int, data: st.DataObject
) -> None:
    told = records(seed, length, partitions)
    record = data.draw(st.sampled_from(told))
    then = moment(record.appended_at_us) + timedelta(
        microseconds=data.draw(st.sampled_from((-1, 0, 1, 500)))
    )
    expected = longest_prefix(told, then)
    with TemporaryDirectory() as folder:
        models = written(Path(folder), judged(told))

        async def asked() -> None:
            for organization in ORGANIZATIONS:
                view = models.of(organization)
                assert await view.tasks(as_of=then) == await view.tasks(as_of=expected)
                where = HistoryFilter(appended_before=then + INSTANT)
                lines = [line.position for line in (await view.history(where, limit=1000)).rows]
                whole = [line.position for line in (await view.history(limit=1000)).rows]
                assert lines == [each for each in whole if covers(expected, each)]
            await models.close()

        asyncio.run(asked())


def longest_prefix(told: Sequence[Record], then: datetime) -> Frontier:
    cut: dict[int, int] = {}
    over: set[int] = set()
    for record in told:
        partition, offset = record.position
        if partition not in over and moment(record.appended_at_us) <= then:
            cut[partition] = offset + 1
        else:
            over.add(partition)
    return cut
