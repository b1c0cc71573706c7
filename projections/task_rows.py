"""Rows about one task: as an event left it, and as it stands now."""

import json
from collections.abc import Callable
from typing import TypeAlias

from events.ids import above, root_of
from events.state import TaskState
from events.task_events import TaskSubmitted
from projections.hexadecimal import hexadecimal
from projections.moments import us
from projections.place import Place

Cells: TypeAlias = tuple[object, ...]

NOTHING_AFTER: Cells = (None,) * 15
UNKNOWN_SUBMISSION: Cells = (-1, "", "")
"""In a row that is there already; the statement leaves what it has."""


def after(task: TaskState) -> Cells:
    """The columns of `tables.task_after`."""
    run, cancel, evidence = task.run, task.cancel, task.evidence
    not_before, started_at, finished_at = task.not_before, task.started_at, task.finished_at
    return (
        task.status._value_,
        None if evidence is None else evidence._value_,
        task.attempt,
        task.failures,
        None if not_before is None else us(not_before),
        task.waiting_for,
        task.answered,
        None if run is None else hexadecimal(run.id),
        None if run is None else run.executor,
        None if started_at is None else us(started_at),
        None if finished_at is None else us(finished_at),
        None if cancel is None else hexadecimal(cancel.id),
        None if cancel is None else cancel.grace_seconds,
        None if cancel is None else us(cancel.requested_at),
        1 if task.contradicted else 0,
    )


def after_of_many() -> Callable[[TaskState], Cells]:
    """`after`, for tasks that one event has changed: those that never ran are mostly alike."""
    known: dict[tuple[object, ...], Cells] = {}

    def after_of(task: TaskState) -> Cells:
        if task.run is not None or task.started_at is not None or task.not_before is not None:
            return after(task)
        # The values live as long as the tasks: an id stands for one of them.
        key = (
            task.status,
            task.evidence,
            task.attempt,
            task.failures,
            task.waiting_for,
            task.answered,
            task.contradicted,
            id(task.finished_at),
            id(task.cancel),
        )
        cells = known.get(key)
        if cells is None:
            cells = known[key] = after(task)
        return cells

    return after_of


def identity(organization: str, task: TaskState) -> Cells:
    """The columns of `tables.task_status` that never change, but for the submission's."""
    spec = task.spec
    return (
        organization,
        task.id,
        root_of(task.id),
        above(task.id),
        spec.kind,
        spec.region,
        us(task.created_at),
    )


def submission(task: TaskState, place: Place) -> Cells:
    actor = task.spec.actor
    return (place, actor.kind, actor.id)


def ending(task: TaskState, place: Place) -> Cells:
    """The last columns of `tables.task_status`."""
    result = None if task.result is None else json.dumps(task.result)
    return (result, error(task), task.error_type, place)


def error(task: TaskState) -> str | None:
    """As JSON: its text may hold characters that a database's text can't."""
    return None if task.error is None else json.dumps(task.error)


def labels(organization: str, task: TaskState) -> list[Cells]:
    spec: TaskSubmitted = task.spec
    created = us(task.created_at)
    return [(organization, name, value, created, task.id) for name, value in spec.labels.items()]
