"""The line of one record: its bytes, what is asked by, its verdict, and its subject after it."""

from typing import TypeAlias

from events.event import Event
from events.outcome import Outcome
from events.run_events import RunLost, TaskCompleted, TaskFailed
from events.state import ProjectState, TaskState
from events.words import Verdict
from projections import task_rows
from projections.moments import us
from projections.place import Place
from projections.task_rows import NOTHING_AFTER, Cells

Stored: TypeAlias = tuple[Place, int, int, bytes]
"""Place, append time, latest append time so far, bytes."""


def line(
    stored: Stored, event: Event, outcome: Outcome, after: TaskState | ProjectState | None
) -> Cells:
    """The columns of `tables.history`."""
    actor = event.data.actor
    reason = outcome.reason
    if after is None:
        left = NOTHING_AFTER
    elif isinstance(after, TaskState):
        left = task_rows.after(after)
    else:
        left = (after.status._value_, *NOTHING_AFTER[1:])
    return (
        *stored,
        event.id.hex,
        event.type,
        event.organization,
        event.root,
        event.subject,
        us(event.time),
        actor.kind,
        actor.id,
        outcome.verdict._value_,
        reason._value_ if reason is not None else None,
        outcome.late_seconds,
        None,
        *left,
        *ended(event, outcome, after),
    )


def ended(
    event: Event, outcome: Outcome, after: TaskState | ProjectState | None
) -> tuple[str | None, str | None]:
    """The error that the end of a run left, which may be of the fold's making."""
    if (
        isinstance(event.data, TaskCompleted | TaskFailed | RunLost)
        and outcome.verdict is Verdict.EFFECTIVE
        and isinstance(after, TaskState)
    ):
        return task_rows.error(after), after.error_type
    return None, None


def malformed(stored: Stored, outcome: Outcome, trouble: str) -> Cells:
    reason = outcome.reason
    return (
        *stored,
        *(None,) * 8,
        outcome.verdict._value_,
        reason._value_ if reason is not None else None,
        None,
        trouble,
        *NOTHING_AFTER,
        None,
        None,
    )
