"""What the native API answers about tasks and projects, field by field, and how rows become it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json

from events.body import Actor, trusted
from events.positions import written_position
from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status, Verdict
from services.operations.submitting import Submitted
from services.read_models.rows import CancelInForce, Project, Task

WrittenPosition = Annotated[str, Field(examples=["0:42"], description="partition:offset")]
Undecided = Literal["undecided"]


class Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class ActorDocument(Document):
    """Who."""

    kind: str
    id: str
    organization: str
    authenticated_by: str
    on_behalf_of: str | None = None


class CancelDocument(Document):
    """The cancel in force: who, why, how, and its three moments."""

    event_id: UUID
    subject: str = Field(description="What was asked to stop: the task, or something above it.")
    who: ActorDocument
    why: str
    mode: Mode
    grace_seconds: float | None
    origin: Origin
    requested_at: datetime
    observed_at: datetime | None
    unconfirmed_at: datetime | None
    stopped_at: datetime | None


class ProgressDocument(Document):
    """How far a run says it is."""

    fraction: float | None
    step: str


class TaskDocument(Document):
    """A task."""

    id: str
    kind: str
    status: Status
    evidence: Evidence | None = Field(description="How it is known that a cancelled task stopped.")
    contradicted: bool = Field(description="Its run was heard of after it was presumed dead.")
    attempt: int
    progress: ProgressDocument | None
    payload: dict[str, Any]
    description: str
    labels: dict[str, str]
    requires: dict[str, str]
    project: str | None
    parent: str | None
    depends_on: tuple[str, ...]
    region: str
    result: JsonValue
    error: str | None
    error_type: str | None
    waiting_for: int | None = Field(description="The number of the wait to be approved.")
    max_attempts: int
    grace_seconds: float
    not_before: datetime | None
    deadline: datetime | None
    rerun_of: str | None
    run_id: UUID | None
    executor: str | None
    created_by: ActorDocument
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel: CancelDocument | None
    position: WrittenPosition


class TaskPage(Document):
    items: tuple[TaskDocument, ...]
    next_cursor: str | None


class ProjectDocument(Document):
    """A project; `arrived` counts the tasks directly below it, the rest everything below."""

    id: str
    title: str
    description: str
    labels: dict[str, str]
    region: str
    status: ProjectStatus
    plan: int
    planned_tasks: int
    pauses: int
    arrived: int
    unfinished: int
    active: int
    failed: int
    created_by: ActorDocument
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel: CancelDocument | None
    position: WrittenPosition


class ProjectPage(Document):
    items: tuple[ProjectDocument, ...]
    next_cursor: str | None


class SubmittedDocument(Document):
    """One task of a batch."""

    id: str
    position: WrittenPosition
    verdict: Undecided | Verdict
    reason: Reason | None


class BatchDocument(Document):
    items: tuple[SubmittedDocument, ...]


# What follows is made of what was validated already, on the way of every cancel.


def actor_document(actor: Actor) -> ActorDocument:
    return trusted(
        ActorDocument,
        {
            "kind": actor.kind,
            "id": actor.id,
            "organization": actor.organization,
            "authenticated_by": actor.authenticated_by,
            "on_behalf_of": actor.on_behalf_of,
        },
    )


def cancel_document(cancel: CancelInForce | None) -> CancelDocument | None:
    if cancel is None:
        return None
    return trusted(
        CancelDocument,
        {
            "event_id": cancel.id,
            "subject": cancel.subject,
            "who": actor_document(cancel.actor),
            "why": cancel.reason,
            "mode": cancel.mode,
            "grace_seconds": cancel.grace_seconds,
            "origin": cancel.origin,
            "requested_at": cancel.requested_at,
            "observed_at": cancel.observed_at,
            "unconfirmed_at": cancel.unconfirmed_at,
            "stopped_at": cancel.stopped_at,
        },
    )


def task_document(task: Task, progress: ProgressDocument | None) -> TaskDocument:
    spec = task.spec
    return trusted(
        TaskDocument,
        {
            "id": task.id,
            "kind": spec.kind,
            "status": task.status,
            "evidence": task.evidence,
            "contradicted": task.contradicted,
            "attempt": task.attempt,
            "progress": progress,
            "payload": spec.payload,
            "description": spec.description,
            "labels": spec.labels,
            "requires": spec.requires,
            "project": spec.project,
            "parent": spec.parent,
            "depends_on": spec.depends_on,
            "region": spec.region,
            "result": task.result,
            "error": task.error,
            "error_type": task.error_type,
            "waiting_for": task.waiting_for,
            "max_attempts": spec.max_attempts,
            "grace_seconds": spec.grace_seconds,
            "not_before": task.not_before,
            "deadline": spec.deadline,
            "rerun_of": spec.rerun_of,
            "run_id": task.run_id,
            "executor": task.executor,
            "created_by": actor_document(task.created_by),
            "created_at": task.created_at,
            "started_at": task.started_at,
            "finished_at": task.finished_at,
            "cancel": cancel_document(task.cancel),
            "position": written_position(task.position),
        },
    )


def project_document(project: Project) -> ProjectDocument:
    spec = project.spec
    return ProjectDocument(
        id=project.id,
        title=spec.title,
        description=spec.description,
        labels=spec.labels,
        region=spec.region,
        status=project.status,
        plan=project.plan,
        planned_tasks=project.planned_tasks,
        pauses=project.pauses,
        arrived=project.arrived,
        unfinished=project.unfinished,
        active=project.active,
        failed=project.failed,
        created_by=actor_document(project.created_by),
        created_at=project.created_at,
        started_at=project.started_at,
        finished_at=project.finished_at,
        cancel=cancel_document(project.cancel),
        position=written_position(project.position),
    )


def batch_document(done: Iterable[Submitted]) -> bytes:
    """A `BatchDocument` as it is written, without an object for each of a thousand tasks."""
    items = [
        {
            "id": one.id,
            "position": written_position(one.position),
            "verdict": one.verdict or "undecided",
            "reason": one.reason,
        }
        for one in done
    ]
    return to_json({"items": items})
