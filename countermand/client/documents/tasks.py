"""Tasks and projects."""

from typing import Any, TypedDict


class Actor(TypedDict):
    """Who."""

    kind: str
    id: str
    organization: str
    authenticated_by: str
    on_behalf_of: str | None


class Cancel(TypedDict):
    """The cancel in force on a task or project."""

    event_id: str
    subject: str
    who: Actor
    why: str
    mode: str
    grace_seconds: float | None
    origin: str
    requested_at: str
    observed_at: str | None
    unconfirmed_at: str | None
    stopped_at: str | None


class Progress(TypedDict):
    """How far a run says it is."""

    fraction: float | None
    step: str


class Task(TypedDict):
    """A task."""

    id: str
    kind: str
    status: str
    evidence: str | None
    contradicted: bool
    attempt: int
    progress: Progress | None
    payload: dict[str, Any]
    description: str
    labels: dict[str, str]
    requires: dict[str, str]
    project: str | None
    parent: str | None
    depends_on: list[str]
    region: str
    result: Any
    error: str | None
    error_type: str | None
    waiting_for: int | None
    max_attempts: int
    grace_seconds: float
    not_before: str | None
    deadline: str | None
    rerun_of: str | None
    run_id: str | None
    executor: str | None
    created_by: Actor
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    position: str


class Project(TypedDict):
    """A project."""

    id: str
    title: str
    description: str
    labels: dict[str, str]
    region: str
    status: str
    plan: int
    planned_tasks: int
    pauses: int
    arrived: int
    unfinished: int
    active: int
    failed: int
    created_by: Actor
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    position: str
