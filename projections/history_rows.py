"""The line of one record: its bytes, what is asked by, its verdict, and its subject after it."""

from events.event import Event
from events.outcome import Outcome
from events.run_events import RunLost, TaskCompleted, TaskFailed
from events.state import ProjectState, TaskState
from events.words import Verdict
from projections import task_rows
from projections.hexadecimal import hexadecimal
from projections.moments import us
from projections.place import Stored
from projections.task_rows import NOTHING_AFTER, Cells


def line(
    stored: Stored,
    event: Event,
    outcome: Outcome,
    subject: TaskState | ProjectState | None,
    after: Cells | None,
) -> Cells:
    """The columns of `tables.history`; `after` are those of a task, if the subject is one."""
    body, reason = event.data, outcome.reason
    if after is None:
        after = NOTHING_AFTER
        if subject is not None:
            after = (subject.status._value_, *NOTHING_AFTER[1:])
    said = (
        hexadecimal(event.id),
        event.type,
        event.organization,
        event.root,
        event.subject,
        us(event.time),
        body.actor.kind,
        body.actor.id,
        outcome.verdict._value_,
        reason._value_ if reason is not None else None,
        outcome.late_seconds,
        None,
    )
    error: Cells = NO_ERROR
    if isinstance(body, ENDS) and outcome.verdict is Verdict.EFFECTIVE:
        assert isinstance(subject, TaskState)
        error = (task_rows.error(subject), subject.error_type)
    return stored + said + after + error


ENDS = (TaskCompleted, TaskFailed, RunLost)
"""Their lines say the error that the end of a run left, which may be of the fold's making."""
NO_ERROR = (None, None)


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
