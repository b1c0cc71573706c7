"""Cancels of many tasks at once."""

from typing import Any, Literal, TypedDict

from countermand.client.documents.tasks import Actor


class BulkPreview(TypedDict):
    """What a cancel of many tasks would stop."""

    token: str
    expires_at: str
    frontier: str
    where: dict[str, Any]
    tasks: int
    runs: int
    sample: list[dict[str, Any]]


class BulkCancel(TypedDict):
    """A cancel of many tasks, and how far it has come."""

    id: str
    state: Literal["running", "stopping", "stopped", "done"]
    where: dict[str, Any]
    frontier: str
    who: Actor
    why: str
    mode: str
    grace_seconds: float | None
    per_second: float
    tasks: int
    runs: int
    requested: int
    effective: int
    void: int
    undecided: int
    reasons: dict[str, int]
    begun_at: str
    stop_asked_at: str | None
    stop_asked_by: str | None
    ended_at: str | None


class BulkItem(TypedDict):
    """What came of one of its tasks."""

    task_id: str
    event_id: str
    verdict: Literal["effective", "noted", "void", "undecided", "not_requested"]
    reason: str | None
    late_seconds: float | None
    evidence: str | None
    stopped_at: str | None
    position: str | None
