"""Rows about the stopping of a task or project: requested, observed, stopped."""

from events.event import Event
from events.state import Cancel, ProjectState, TaskState
from events.words import Mode
from projections.hexadecimal import hexadecimal
from projections.moments import us, us_or_none
from projections.task_rows import Cells


def of_task(organization: str, task: TaskState, cancel: Cancel, event: Event) -> Cells:
    """The columns of `tables.cancellations`; None where the row keeps what it has."""
    evidence = task.evidence
    return (
        organization,
        task.id,
        task.spec.kind,
        task.spec.region,
        task.status._value_,
        hexadecimal(cancel.id),
        cancel.grace_seconds,
        us(cancel.requested_at),
        due_us(cancel, event),
        None,
        None,
        us_or_none(task.finished_at),
        evidence._value_ if evidence is not None else None,
    )


def of_project(organization: str, project: ProjectState, cancel: Cancel, event: Event) -> Cells:
    return (
        organization,
        project.id,
        "",
        project.spec.region,
        project.status._value_,
        hexadecimal(cancel.id),
        cancel.grace_seconds,
        us(cancel.requested_at),
        due_us(cancel, event),
        None,
        None,
        us_or_none(project.finished_at),
        None,
    )


def due_us(cancel: Cancel, event: Event) -> int | None:
    """When the grace ends, said by the request that set it."""
    if cancel.id != event.id or cancel.grace_seconds is None:
        return None
    grace_seconds = 0.0 if cancel.mode is Mode.FORCE else cancel.grace_seconds
    return us(event.time) + int(grace_seconds * 1_000_000)


DUE, OBSERVED, UNCONFIRMED = 8, 9, 10


def noticed(row: Cells, observed_us: int | None, unconfirmed_us: int | None) -> Cells:
    """The row with what its batch says of how the run was told to stop."""
    if observed_us is None and unconfirmed_us is None:
        return row
    return (*row[:OBSERVED], observed_us, unconfirmed_us, *row[UNCONFIRMED + 1 :])


def merged(before: Cells | None, row: Cells) -> Cells:
    """The later of two rows of one batch; when its grace ends was said by the earlier one."""
    if before is None or row[DUE] is not None:
        return row
    return (*row[:DUE], before[DUE], *row[DUE + 1 :])
