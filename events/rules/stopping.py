"""What a cancel does to one task, whoever asked and wherever it came from."""

import math
from datetime import datetime
from typing import assert_never

from events.cancel_events import CancelRequested
from events.event import Event
from events.project_events import ProjectCancelRequested
from events.state import Cancel, TaskState
from events.words import Evidence, Mode, Origin, Status


def cancel_by(event: Event, body: CancelRequested | ProjectCancelRequested) -> Cancel:
    return Cancel(
        id=event.id,
        subject=event.subject,
        mode=body.mode,
        grace_seconds=body.grace_seconds,
        origin=body.origin if isinstance(body, CancelRequested) else Origin.REQUEST,
        requested_at=event.time,
        actor=body.actor,
        reason=body.reason,
        traceparent=event.traceparent,
    )


def of_task(cancel: Cancel, task: TaskState) -> Cancel:
    """Each task keeps its own grace, unless the cancel names one."""
    if cancel.grace_seconds is not None:
        return cancel
    return cancel._replace(grace_seconds=task.spec.grace_seconds)


def tightened(old: Cancel | None, new: Cancel) -> Cancel | None:
    """The cancel that is in force from now on, asked for when the first one was; None: the old one.

    Force is tighter than any grace, a shorter grace tighter than a longer one.
    """
    if old is None:
        return new
    if old.mode is Mode.FORCE or (new.mode is not Mode.FORCE and seconds(new) >= seconds(old)):
        return None
    return new._replace(requested_at=old.requested_at)


def seconds(cancel: Cancel) -> float:
    return math.inf if cancel.grace_seconds is None else cancel.grace_seconds


def stop(task: TaskState, cancel: Cancel, now: datetime) -> TaskState | None:
    """The task with this cancel in force; None when it makes no difference."""
    cancel = of_task(cancel, task)
    match task.status:
        case Status.PENDING:
            return never_started(task, cancel, now)
        case Status.RUNNING | Status.WAITING:
            return task._replace(status=Status.CANCELLING, cancel=cancel, waiting_for=None)
        case Status.CANCELLING:
            in_force = tightened(task.cancel, cancel)
            return task._replace(cancel=in_force) if in_force else None
        case Status.SUCCEEDED | Status.FAILED | Status.CANCELLED | Status.SKIPPED | Status.MOVED:
            return None
        case _:
            assert_never(task.status)


def never_started(task: TaskState, cancel: Cancel, now: datetime) -> TaskState:
    return task._replace(
        status=Status.CANCELLED, cancel=cancel, evidence=Evidence.NEVER_STARTED, finished_at=now
    )


def stopped(task: TaskState, evidence: Evidence, now: datetime) -> TaskState:
    return task._replace(status=Status.CANCELLED, evidence=evidence, finished_at=now)


def late_by(finished_at: datetime | None, now: datetime) -> float | None:
    """By how much a request came too late; clocks differ, so never less than nothing."""
    return max(0.0, (now - finished_at).total_seconds()) if finished_at else None
