"""NICo's task, field by field, and how ours become it."""

from typing import Any, Literal

from pydantic import BaseModel

from events.words import Origin, Status
from services.gateway.dialects.moments import nanoseconds
from services.read_models.rows import Task

Word = Literal["Unknown", "Pending", "Waiting", "Running", "Succeeded", "Failed", "Terminated"]

WORDS: dict[Status, Word] = {
    Status.PENDING: "Pending",
    Status.RUNNING: "Running",
    Status.WAITING: "Waiting",
    Status.CANCELLING: "Running",
    Status.SUCCEEDED: "Succeeded",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Terminated",
    Status.SKIPPED: "Terminated",
    Status.MOVED: "Pending",
}
ACTIVE = (Status.PENDING, Status.RUNNING, Status.WAITING, Status.CANCELLING)
LABEL = "nico."
SITE_LABEL = f"{LABEL}site"
"""Which site a task was made for; one that was made elsewhere has none."""


class TaskDocument(BaseModel):
    id: str
    status: Word
    description: str
    message: str
    ruleId: str | None  # noqa: N815
    started: str | None
    finished: str | None
    created: str
    updated: str


class TaskIds(BaseModel):
    taskIds: list[str]  # noqa: N815


def document(task: Task) -> dict[str, Any]:
    asked = task.cancel.requested_at if task.cancel else None
    return {
        "id": task.id,
        "status": word_of(task),
        "description": task.spec.description,
        "message": message_of(task),
        "ruleId": None,
        "started": nanoseconds(task.started_at) if task.started_at else None,
        "finished": nanoseconds(task.finished_at) if task.finished_at else None,
        "created": nanoseconds(task.created_at),
        "updated": nanoseconds(task.finished_at or asked or task.started_at or task.created_at),
    }


def word_of(task: Task) -> Word:
    """Pending tasks that wait for something before them are `Waiting`."""
    if task.status is Status.PENDING and (task.spec.depends_on or task.not_before):
        return "Waiting"
    return WORDS[task.status]


def message_of(task: Task) -> str:
    match task.status:
        case Status.FAILED:
            return task.error or ""
        case Status.CANCELLING:
            return "Cancellation requested; it isn't confirmed yet"
        case Status.CANCELLED | Status.SKIPPED:
            late = task.cancel is not None and task.cancel.origin is Origin.DEADLINE
            return "Cancelled by its deadline" if late else "Cancelled by user"
        case _:
            return ""
