"""One row for each task with a run that is being stopped: requested, observed, not yet stopped."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypedDict

from events.cancel_events import CancelObserved, CancelOverran, CancelUnconfirmed
from events.event import Event
from events.state import Cancel, TaskState
from events.words import Mode, Status, Verdict
from projections.entry import Entry
from projections.moments import us
from projections.stops import is_a_stop


class Stopping(TypedDict):
    """A stop on its way. Times in microseconds, by the clocks of those who wrote the events."""

    organization: str
    task_id: str
    kind: str
    region: str
    run_id: str
    executor: str
    cancel_id: str
    requested_us: int
    observed_us: int | None
    unconfirmed_us: int | None
    due_us: int
    """When its grace ends: from then on it is overdue."""
    budget_us: int | None
    """How long the stop may take."""
    overran: bool
    """That it took longer is in the history."""


class Stopped(NamedTuple):
    """A stop that is over, ready to be counted."""

    organization: str
    kind: str
    region: str
    evidence: str
    requested_us: int
    observed_us: int | None
    stopped_us: int
    trace: str | None
    """The traceparent of its request, if it is traced."""
    cancel_id: str
    ran: bool
    """False: nothing ever ran, and there was nothing to wait for."""
    late: Stopping | None = None
    """It took longer than its budget, which nobody has said yet."""


class Change(NamedTuple):
    """What an entry means for one task's row."""

    key: str
    row: Stopping | None
    """The row from now on; None: there is none any more."""
    stopped: Stopped | None = None
    overran: bool = False
    """Its overrun has just been noted: to be counted."""
    group: tuple[str, str, str] | None = None
    """Organization, kind and region of what is to be counted."""


def key_of(organization: str, task_id: str) -> str:
    """Organizations contain no slash, so no two tasks share a key."""
    return f"{organization}/{task_id}"


def changes(
    entry: Entry,
    row_of: Callable[[str], Stopping | None],
    budgets_seconds: Mapping[str, float] = {},
) -> Iterator[Change]:
    """What an entry changes. `budgets_seconds`: of handlers, for tasks without one of their own."""
    event = entry.event
    if event is None or entry.outcome.verdict is Verdict.VOID:
        return
    if entry.outcome.verdict is Verdict.NOTED:
        change = noted(event, entry.after, row_of)
        if change is not None:
            yield change
        return
    for task in entry.outcome.tasks:
        if task.cancel is None or not is_a_stop(task, task.cancel):
            continue
        key = key_of(event.organization, task.id)
        if task.status is Status.CANCELLING:
            yield Change(key, stopping(event, task, task.cancel, row_of(key), budgets_seconds))
        elif task.status is Status.CANCELLED:
            ended = stopped(event, task, task.cancel, row_of(key))
            yield Change(key, None, ended, group=group_of(event, task))


def recalled(organization: str, task: TaskState) -> Stopping | None:
    """The row of a task as it stands, for whoever begins in the middle."""
    if task.status is not Status.CANCELLING or task.cancel is None:
        return None
    return new_row(organization, task, task.cancel, us(task.cancel.requested_at), {})


def stopping(
    event: Event,
    task: TaskState,
    cancel: Cancel,
    before: Stopping | None,
    budgets_seconds: Mapping[str, float],
) -> Stopping:
    row = new_row(event.organization, task, cancel, us(event.time), budgets_seconds)
    if before is None or before["run_id"] != row["run_id"]:
        return row
    if before["cancel_id"] == row["cancel_id"]:
        row["due_us"] = before["due_us"]
    row["observed_us"] = before["observed_us"]
    row["unconfirmed_us"] = before["unconfirmed_us"]
    return row


def new_row(
    organization: str,
    task: TaskState,
    cancel: Cancel,
    asked_us: int,
    budgets_seconds: Mapping[str, float],
) -> Stopping:
    grace_seconds = 0.0 if cancel.mode is Mode.FORCE else cancel.grace_seconds or 0.0
    budget_seconds = task.spec.stop_within_seconds
    if budget_seconds is None:
        budget_seconds = budgets_seconds.get(task.spec.kind)
    return {
        "organization": organization,
        "task_id": task.id,
        "kind": task.spec.kind,
        "region": task.spec.region,
        "run_id": "" if task.run is None else str(task.run.id),
        "executor": "" if task.run is None else task.run.executor,
        "cancel_id": str(cancel.id),
        "requested_us": us(cancel.requested_at),
        "observed_us": None,
        "unconfirmed_us": None,
        "due_us": asked_us + int(grace_seconds * 1_000_000),
        "budget_us": None if budget_seconds is None else int(budget_seconds * 1_000_000),
        "overran": task.overran,
    }


def stopped(event: Event, task: TaskState, cancel: Cancel, before: Stopping | None) -> Stopped:
    stopped_us, requested_us = us(event.time), us(cancel.requested_at)
    mine = before if before is not None and not task.overran else None
    return Stopped(
        organization=event.organization,
        kind=task.spec.kind,
        region=task.spec.region,
        evidence="" if task.evidence is None else task.evidence.value,
        requested_us=requested_us,
        observed_us=None if before is None else before["observed_us"],
        stopped_us=stopped_us,
        trace=cancel.traceparent,
        cancel_id=str(cancel.id),
        ran=task.run is not None,
        late=mine if mine is not None and over_budget(mine, stopped_us) else None,
    )


def noted(event: Event, task: object, row_of: Callable[[str], Stopping | None]) -> Change | None:
    key = key_of(event.organization, event.subject)
    match event.data:
        case CancelObserved():
            row = row_of(key)
            if row is None or row["observed_us"] is not None:
                return None
            return Change(key, {**row, "observed_us": us(event.time)})
        case CancelUnconfirmed():
            row = row_of(key)
            return None if row is None else Change(key, {**row, "unconfirmed_us": us(event.time)})
        case CancelOverran() if isinstance(task, TaskState):
            row = row_of(key)
            after: Stopping | None = None if row is None else {**row, "overran": True}
            return Change(key, after, overran=True, group=group_of(event, task))
        case _:
            return None


def group_of(event: Event, task: TaskState) -> tuple[str, str, str]:
    return event.organization, task.spec.kind, task.spec.region


def over_budget(row: Stopping, now_us: int) -> bool:
    """Whether the stop takes, or took, longer than it may, which nobody has said yet."""
    due_us = over_budget_at_us(row)
    return due_us is not None and now_us > due_us


def over_budget_at_us(row: Stopping) -> int | None:
    """When its budget ends; None when it has none, or its end has been said."""
    if row["budget_us"] is None or row["overran"]:
        return None
    return row["requested_us"] + row["budget_us"]
