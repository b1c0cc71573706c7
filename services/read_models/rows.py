"""The answers: frozen rows, with the language's own words and with times as datetimes."""

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import JsonValue

from events.body import Actor
from events.event import Event
from events.positions import Position
from events.project_events import ProjectCreated
from events.task_events import TaskSubmitted
from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status, Verdict

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """Some rows, and how to ask for the next ones."""

    rows: tuple[Row, ...]
    next_cursor: str | None
    """Opaque; None at the end. A page may be short, even empty, and still have a next one: what is
    looked at for one page is bounded."""


class CancelInForce(NamedTuple):
    """The cancel that a task or project is under: three moments, never one."""

    id: UUID
    """The id of the event that asked."""
    subject: str
    """What was asked to stop: the task itself, or something above it."""
    mode: Mode
    grace_seconds: float | None
    origin: Origin
    actor: Actor
    reason: str
    requested_at: datetime
    observed_at: datetime | None
    """When the run was first told to stop."""
    unconfirmed_at: datetime | None
    """When it was last said that the stop isn't confirmed yet."""
    stopped_at: datetime | None


class Task(NamedTuple):
    """A task, now or as of some point of its history."""

    organization: str
    id: str
    root: str
    spec: TaskSubmitted
    """What was submitted: kind, payload, description, labels, project, parent, deadline, ..."""
    submission_id: UUID
    created_by: Actor
    created_at: datetime
    status: Status
    evidence: Evidence | None
    attempt: int
    failures: int
    not_before: datetime | None
    waiting_for: int | None
    """The number of the wait it is in."""
    answered: int
    run_id: UUID | None
    executor: str | None
    started_at: datetime | None
    finished_at: datetime | None
    result: JsonValue
    error: str | None
    error_type: str | None
    contradicted: bool
    cancel: CancelInForce | None
    position: Position
    """Of the last event about it that wasn't void, or from above that changed it."""

    @property
    def region(self) -> str:
        return self.spec.region


class Project(NamedTuple):
    """A project, now or as of some point of its history."""

    organization: str
    id: str
    spec: ProjectCreated
    creation_id: UUID
    created_by: Actor
    created_at: datetime
    status: ProjectStatus
    plan: int
    planned_tasks: int
    pauses: int
    arrived: int
    """Tasks directly below it; the next three count everything below."""
    unfinished: int
    active: int
    failed: int
    started_at: datetime | None
    finished_at: datetime | None
    cancel: CancelInForce | None
    position: Position
    """Of the last event that changed it."""


class HistoryLine(NamedTuple):
    """A record of the log with its verdict. What is below an event's subject has lines of its own
    for it, with its own verdict."""

    position: Position
    appended_at: datetime
    value: bytes
    """The canonical bytes; of a malformed record whatever bytes came."""
    event: Event | None
    """None for a malformed record, which only operators see."""
    verdict: Verdict
    reason: Reason | None
    late_seconds: float | None
    trouble: str
    about: str
    """The task or project whose line this is: the event's subject, or something below it."""
    status: Status | ProjectStatus | None
    """Of `about`, after this event."""

    @property
    def from_above(self) -> bool:
        """Whether the event is an ancestor's."""
        return self.event is not None and self.event.subject != self.about


class Receipt(NamedTuple):
    """What became of a request: its first line, and how what it asked for has ended."""

    line: HistoryLine
    repeats: int
    """How often the same request came again; each repeat was void."""
    cancel: CancelInForce | None
    """The cancel in force on its subject, which may be another one than this request's."""
    evidence: Evidence | None


class Cancellation(NamedTuple):
    """The stopping of one task or project that was asked to stop, or had a run to be stopped."""

    organization: str
    id: str
    """Of the task or project."""
    kind: str
    """The task's kind; empty for a project."""
    region: str
    status: Status | ProjectStatus
    cancel: CancelInForce
    evidence: Evidence | None
    due_at: datetime | None
    """When the grace ends: not stopped by then, it is overdue. None for a project whose tasks keep
    their own."""

    @property
    def to_observed_seconds(self) -> float | None:
        observed = self.cancel.observed_at
        return (observed - self.cancel.requested_at).total_seconds() if observed else None

    @property
    def to_stopped_seconds(self) -> float | None:
        stopped = self.cancel.stopped_at
        return (stopped - self.cancel.requested_at).total_seconds() if stopped else None


class MalformedRecord(NamedTuple):
    """Bytes in the log that are no event. They belong to no organization."""

    position: Position
    appended_at: datetime
    value: bytes
    trouble: str
