"""Rows about one task: as an event left it, and as it stands now."""

import json
from typing import TypeAlias

from events.event import Event
from events.ids import above, root_of
from events.state import TaskState
from events.task_events import TaskSubmitted
from projections.moments import us, us_or_none
from projections.place import Place

Cells: TypeAlias = tuple[object, ...]

FIXED = 10
"""So many columns of `tables.task_status` never change."""
NOTHING_AFTER: Cells = (None,) * 15
UNKNOWN_SUBMISSION: Cells = (-1, "", "")
"""In a row that is there already; the statement leaves what it has."""


def after(task: TaskState) -> Cells:
    """The columns of `tables.task_after`."""
    run, cancel, evidence = task.run, task.cancel, task.evidence
    return (
        task.status._value_,
        evidence._value_ if evidence is not None else None,
        task.attempt,
        task.failures,
        us_or_none(task.not_before),
        task.waiting_for,
        task.answered,
        run.id.hex if run is not None else None,
        run.executor if run is not None else None,
        us_or_none(task.started_at),
        us_or_none(task.finished_at),
        *(
            (cancel.id.hex, cancel.grace_seconds, us(cancel.requested_at))
            if cancel is not None
            else (None, None, None)
        ),
        task.contradicted + 0,
    )


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


def submission(event: Event, place: Place) -> Cells:
    actor = event.data.actor
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
