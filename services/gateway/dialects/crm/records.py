"""The CRM's rows, field by field, and how tasks become them."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel

from events.words import Status
from services.gateway.dialects.moments import milliseconds
from services.outputs import Progress
from services.read_models.rows import Task

Word = Literal["queued", "running", "completed", "failed", "cancelled"]
Agent = Literal["customer", "order", "analytics", "quote"]
AGENTS: tuple[Agent, ...] = ("customer", "order", "analytics", "quote")

WORDS: dict[Status, Word] = {
    Status.PENDING: "queued",
    Status.RUNNING: "running",
    Status.WAITING: "running",
    Status.CANCELLING: "running",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.SKIPPED: "cancelled",
    Status.MOVED: "queued",
}
CANCELLED = (Status.CANCELLED, Status.SKIPPED)
TYPE_LABEL = "crm.taskType"
AGENT_LABEL = "crm.agent"
OTHERS_AGENT = "jobs"
"""What a task that wasn't made here is the work of: one of the CRM's own agents."""


class TaskError(BaseModel):
    code: str
    message: str
    retriable: bool


class AiAgentTask(BaseModel):
    """A row."""

    id: str
    organizationId: str  # noqa: N815
    userId: str  # noqa: N815
    taskType: str  # noqa: N815
    agent: str
    input: dict[str, Any]
    context: dict[str, Any] | None
    status: Word
    progress: int | None
    currentStep: str | None  # noqa: N815
    result: dict[str, Any] | None
    error: TaskError | None
    tokensUsed: int | None  # noqa: N815
    costCents: int | None  # noqa: N815
    queuedAt: str | None  # noqa: N815
    startedAt: str | None  # noqa: N815
    completedAt: str | None  # noqa: N815
    cancelledAt: str | None  # noqa: N815
    cancelledBy: str | None  # noqa: N815
    triggerRunId: str | None  # noqa: N815


def row(task: Task, progress: Progress | None, remote_run: str | None) -> AiAgentTask:
    asked = request_of(task)
    cancelled = task.status in CANCELLED
    ended = milliseconds(task.finished_at) if task.finished_at else None
    return AiAgentTask(
        id=task.id,
        organizationId=task.organization,
        userId=task.created_by.id,
        taskType=task.spec.labels.get(TYPE_LABEL, task.spec.kind),
        agent=task.spec.labels.get(AGENT_LABEL, OTHERS_AGENT),
        input=asked.get("input", task.spec.payload),
        context=asked.get("context"),
        status=WORDS[task.status],
        progress=percent(task, progress),
        currentStep=progress.step if progress and progress.step else None,
        result=result_of(task),
        error=error_of(task),
        tokensUsed=0,
        costCents=0,
        queuedAt=milliseconds(task.created_at),
        startedAt=milliseconds(task.started_at) if task.started_at else None,
        completedAt=None if cancelled else ended,
        cancelledAt=ended if cancelled else None,
        cancelledBy=task.cancel.actor.id if cancelled and task.cancel else None,
        triggerRunId=remote_run,
    )


def status_document(task: Task, progress: Progress | None) -> dict[str, Any]:
    """The short form that clients poll: what isn't there is left out."""
    shown = row(task, progress, None)
    times = {
        "queuedAt": shown.queuedAt,
        "startedAt": shown.startedAt,
        "completedAt": shown.completedAt,
    }
    times = {name: value for name, value in times.items() if value is not None}
    timing: dict[str, Any] = dict(times)
    if task.started_at is not None:
        timing["waitTimeMs"] = as_milliseconds(task.started_at - task.created_at)
        if task.finished_at is not None and shown.completedAt is not None:
            timing["durationMs"] = as_milliseconds(task.finished_at - task.started_at)
    document: dict[str, Any] = {
        "task": {
            "id": shown.id,
            "taskType": shown.taskType,
            "agent": shown.agent,
            "status": shown.status,
            "progress": shown.progress,
            "currentStep": shown.currentStep,
            **times,
        },
        "progress": shown.progress,
        "currentStep": shown.currentStep,
    }
    if shown.status == "completed":
        document |= {"result": shown.result, "tokensUsed": 0, "costCents": 0}
    if shown.status == "failed":
        document["error"] = shown.error
    return document | {"timing": timing}


def percent(task: Task, progress: Progress | None) -> int:
    if task.status is Status.SUCCEEDED:
        return 100
    if progress is None or progress.fraction is None:
        return 0
    return int(progress.fraction * 100)


def result_of(task: Task) -> dict[str, Any] | None:
    """Results of ours in the CRM's form; one that has it already stays as it is."""
    if task.status is not Status.SUCCEEDED:
        return None
    if isinstance(task.result, dict) and isinstance(task.result.get("success"), bool):
        return task.result
    name = "summary" if isinstance(task.result, str) else "data"
    return {"success": True, name: task.result}


def error_of(task: Task) -> TaskError | None:
    if task.status is not Status.FAILED:
        return None
    return TaskError(code=task.error_type or "error", message=task.error or "", retriable=True)


def request_of(task: Task) -> dict[str, Any]:
    payload = task.spec.payload
    inner = payload.get("request")
    asked = inner if isinstance(inner, dict) else payload
    if TYPE_LABEL not in task.spec.labels or not isinstance(asked.get("input"), dict):
        return {}
    return asked


def as_milliseconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
