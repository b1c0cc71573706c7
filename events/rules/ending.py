"""How runs end, and what becomes of their tasks: an outcome, or another attempt."""

from datetime import datetime, timedelta

from events.event import Event
from events.outcome import Outcome, effective, void
from events.rules.stopping import late_by, stopped
from events.run_events import RunLost, RunReleased, TaskCompleted, TaskFailed
from events.state import TaskState
from events.words import Evidence, Reason, Status


def completed(task: TaskState, event: Event, body: TaskCompleted) -> Outcome:
    if task.status is Status.CANCELLING:
        ended = stopped(task, Evidence.RAN_TO_END, event.time)
        return effective(ended._replace(result=body.result))
    return effective(
        task._replace(
            status=Status.SUCCEEDED,
            waiting_for=None,
            result=body.result,
            error=None,
            error_type=None,
            finished_at=event.time,
        )
    )


def failed(task: TaskState, event: Event, body: TaskFailed) -> Outcome:
    if task.status is Status.CANCELLING:
        ended = stopped(task, Evidence.RAN_TO_END, event.time)
        return effective(ended._replace(error=body.error, error_type=body.error_type))
    return effective(
        after_failure(task, event.time, body.error, body.error_type, permanent=body.permanent)
    )


def released(task: TaskState, event: Event, body: RunReleased) -> Outcome:
    if task.status is Status.CANCELLING:
        return effective(stopped(task, body.evidence, event.time))
    return effective(again(task))


def lost(task: TaskState, event: Event, body: RunLost) -> Outcome:
    if task.run is None or task.run.id != body.run_id:
        return void(Reason.NOT_CURRENT_RUN)
    if task.finished:
        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))
    if task.run.remote or task.run.executor != body.executor:
        return void(Reason.NOT_LOSABLE)
    if task.status is Status.CANCELLING:
        return effective(stopped(task, Evidence.PRESUMED, event.time))
    return effective(after_failure(task, event.time, "its executor was lost", "run_lost"))


def after_failure(
    task: TaskState, now: datetime, error: str, error_type: str, *, permanent: bool = False
) -> TaskState:
    """One failure more: another attempt after a while, or the end."""
    failures = task.failures + 1
    task = task._replace(failures=failures, error=error, error_type=error_type)
    if failures < task.spec.max_attempts and not permanent:
        return again(task, after(now, backoff_seconds(task, failures)))
    return task._replace(status=Status.FAILED, waiting_for=None, finished_at=now)


def again(task: TaskState, not_before: datetime | None = None) -> TaskState:
    """Pending once more, for the next attempt."""
    return task._replace(
        status=Status.PENDING,
        attempt=task.attempt + 1,
        not_before=not_before,
        run=None,
        waiting_for=None,
        finished_at=None,
    )


def backoff_seconds(task: TaskState, failures: int) -> float:
    doubled = task.spec.backoff_seconds * 2.0 ** min(failures - 1, 60)
    return min(doubled, task.spec.backoff_limit_seconds)


def after(now: datetime, seconds: float) -> datetime:
    """A later time, or the last one there is: history is not up for debate."""
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=now.tzinfo)
