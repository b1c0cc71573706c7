"""What the fold knows of a root: frozen values for each task and project, held by one `Root`.

Only `apply` changes a `Root`; the values in it are replaced, never changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from events.body import Actor, JsonObject
from events.ids import above
from events.project_events import ProjectCreated
from events.task_events import TaskSubmitted
from events.words import (
    ACTIVE,
    PROJECT_FINISHED,
    TERMINAL,
    Evidence,
    Mode,
    Origin,
    ProjectStatus,
    Status,
)

REFUSALS_REMEMBERED = 1000
"""Per root. Beyond it the oldest is forgotten: a repeat of that one request is judged anew."""


TOMBSTONES_HELD = 1000
"""Per root. Beyond it a cancel ahead of its task is void."""


class Run(NamedTuple):
    """One attempt at a task, by one executor process."""

    id: UUID
    executor: str
    started_at: datetime
    remote: bool
    handle: JsonObject | None = None
    adoptions: int = 0


class Cancel(NamedTuple):
    """The cancel that is in force: who asked for what, when and why."""

    id: UUID
    subject: str
    """What was asked to stop: the task itself, or something above it."""
    mode: Mode
    grace_seconds: float | None
    """None, of a project's cancel and of one ahead of its task: each task's own."""
    origin: Origin
    requested_at: datetime
    actor: Actor
    reason: str
    traceparent: str | None = None
    """Under which its request was traced: what is said because of it is traced there, too."""


class Tombstone(NamedTuple):
    """A cancel that came ahead of its task."""

    task_id: str
    cancel: Cancel
    hold_until: datetime


class TaskState(NamedTuple):
    """A task, as the events up to some position made it."""

    id: str
    submission_id: UUID
    created_at: datetime
    spec: TaskSubmitted
    status: Status = Status.PENDING
    attempt: int = 1
    failures: int = 0
    not_before: datetime | None = None
    run: Run | None = None
    waiting_for: int | None = None
    answered: int = 0
    """How many of its waits have been answered; an answer survives a re-run."""
    answers: tuple[JsonValue, ...] = ()
    cancel: Cancel | None = None
    evidence: Evidence | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: JsonValue = None
    error: str | None = None
    error_type: str | None = None
    contradicted: bool = False
    closed: bool = False
    """An executor has noted that a task cancelled while pending never started."""
    overran: bool = False
    """That its run took longer to stop than its budget is noted."""

    @property
    def finished(self) -> bool:
        return self.status in TERMINAL


class ProjectState(NamedTuple):
    """A project, with the counts from which its completion follows."""

    id: str
    creation_id: UUID
    created_at: datetime
    spec: ProjectCreated
    status: ProjectStatus = ProjectStatus.PLANNING
    plan: int = 0
    planned_tasks: int = 0
    pauses: int = 0
    arrived: int = 0
    """Tasks directly below the project."""
    unfinished: int = 0
    active: int = 0
    failed: int = 0
    """These three count everything below the project, children of tasks too."""
    cancel: Cancel | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.status in PROJECT_FINISHED

    @property
    def complete(self) -> bool:
        """All tasks of the plan are there."""
        return self.plan > 0 and self.arrived >= self.planned_tasks

    def counting(
        self, before: Mapping[str, TaskState], changed: Iterable[TaskState]
    ) -> "ProjectState":
        """The same project with its counts moved by what these tasks have become."""
        arrived, unfinished = self.arrived, self.unfinished
        active, failed = self.active, self.failed
        for task in changed:
            was, now = before.get(task.id), task.status
            if was is None:
                arrived += above(task.id) == self.id
            else:
                unfinished -= was.status not in TERMINAL
                active -= was.status in ACTIVE
                failed -= was.status is Status.FAILED
            unfinished += now not in TERMINAL
            active += now in ACTIVE
            failed += now is Status.FAILED
        return self._replace(arrived=arrived, unfinished=unfinished, active=active, failed=failed)


@dataclass(slots=True)
class Root:
    """Everything that one history decides about."""

    project: ProjectState | None = None
    tasks: dict[str, TaskState] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)
    """Ids directly below an id, in the order of their arrival."""
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    refused: dict[UUID, None] = field(default_factory=dict)
    """Requests that were void, and those whose hold has ended. One that is repeated does nothing,
    whatever has changed since."""
    unfinished: int = 0
    home: str | None = None
    """The region whose log decides about this root; None: this one's."""
    moves: int = 0
    """How often it has had a new home, as far as this log knows."""

    @property
    def live(self) -> bool:
        """Something in here may still change by itself."""
        return self.unfinished > 0 or (self.project is not None and not self.project.finished)


def expired(root: Root, now: datetime) -> list[Tombstone]:
    """The tombstones whose time has ended."""
    return [held for held in root.tombstones.values() if held.hold_until <= now]
