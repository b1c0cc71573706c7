"""Create an agent's task, look at it, cancel it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel
from pydantic_core import from_json

from events.run_events import RunAttached
from services.gateway.dialects.crm.records import (
    AGENT_LABEL,
    AGENTS,
    TYPE_LABEL,
    AiAgentTask,
    TaskError,
    row,
    status_document,
)
from services.gateway.dialects.crm.refusing import PATH, Called, Coded, described, once
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import AS_UUID, MalformedId, known_task
from services.gateway.dialects.stopping import stop
from services.gateway.dialects.targets import LABEL_LIMIT_CHARACTERS, create, wanted
from services.operations import looking
from services.outputs import Progress
from services.read_models.questions import HistoryFilter
from services.read_models.rows import Task
from services.refusals import NotFound

REASON = "cancelled through the CRM"
TaskId = Annotated[str, Path(alias="taskId", json_schema_extra=AS_UUID)]


class Cancelled(BaseModel):
    success: bool
    task: AiAgentTask


class Queued(BaseModel):
    taskId: str  # noqa: N815
    status: str
    statusUrl: str  # noqa: N815
    message: str


class StatusTask(BaseModel):
    id: str
    taskType: str  # noqa: N815
    agent: str
    status: str
    progress: int | None
    currentStep: str | None  # noqa: N815
    queuedAt: str | None = None  # noqa: N815
    startedAt: str | None = None  # noqa: N815
    completedAt: str | None = None  # noqa: N815


class StatusDocument(BaseModel):
    task: StatusTask
    progress: int | None
    currentStep: str | None  # noqa: N815
    result: dict[str, Any] | None = None
    error: TaskError | None = None
    tokensUsed: int | None = None  # noqa: N815
    costCents: int | None = None  # noqa: N815
    timing: dict[str, Any]


NEW_TASK: dict[str, Any] = {
    "type": "object",
    "required": ["taskType", "agent", "input"],
    "properties": {
        "taskType": {"type": "string", "minLength": 1},
        "agent": {"enum": list(AGENTS)},
        "input": {"type": "object"},
        "context": {"type": "object"},
    },
}
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": NEW_TASK}}}}


def routes(router: APIRouter) -> None:
    router.post(
        PATH, status_code=202, response_model=Queued, openapi_extra=BODY, **described(400, 409, 413)
    )(create_task)
    router.get(f"{PATH}/{{taskId}}/status", response_model=StatusDocument, **described(404))(
        get_status
    )
    router.delete(f"{PATH}/{{taskId}}", response_model=Cancelled, **described(404, 409, 500))(
        cancel
    )


async def cancel(caller: Called, task_id: TaskId) -> Response:
    """Cancel a task. Not confirmed in time: an error, and the row still says what is so; the
    cancel goes on, and the same request again joins it."""
    try:
        done = await stop(caller, await known_task(caller, task_id), REASON)
    except (NotFound, MalformedId) as error:
        raise Coded(404, "Task not found") from error
    if done.too_late:
        raise Coded(409, "Task already finished")
    if not done.confirmed:
        text = "The task was asked to stop, and hasn't confirmed it yet: try again"
        raise Coded(500, text, "INTERNAL_ERROR")
    shown = row(done.task, progress_of(caller, done.task), await remote_run(caller, done.task))
    return json_response({"success": True, "task": shown})


async def get_status(caller: Called, task_id: TaskId) -> Response:
    """How far a task is."""
    task, _ = await looking.get_task(caller.scope, await known_task(caller, task_id))
    return json_response(status_document(task, progress_of(caller, task)))


@once
async def create_task(caller: Called) -> Response:
    """Queue a task."""
    body = await read(caller)
    agent = body["agent"]
    if agent not in AGENTS:
        text = f"Invalid agent. Must be one of: {', '.join(AGENTS)}"
        raise Coded(400, text, "INVALID_AGENT")
    target = caller.desk.settings.dialects.crm.agents.get(agent)
    if target is None:
        raise Coded(400, f"The agent {agent} isn't set up here", "INVALID_AGENT")
    labels = {TYPE_LABEL: body["taskType"], AGENT_LABEL: agent}
    asked = wanted(caller, target, body, labels, description=body["taskType"])
    task = await create(caller, asked)
    return json_response(
        {
            "taskId": task.id,
            "status": "queued",
            "statusUrl": f"{PATH}/{task.id}/status",
            "message": "Task queued successfully",
        },
        202,
    )


async def read(caller: Called) -> dict[str, Any]:
    """The body, with what every task needs."""
    try:
        body = from_json(await caller.request.body())
    except ValueError as error:
        raise Coded(400, "Invalid JSON body", "VALIDATION_ERROR") from error
    body = body if isinstance(body, dict) else {}
    for name in ("taskType", "agent"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Coded(400, f"{name} is required", "MISSING_FIELD")
    if len(body["taskType"]) > LABEL_LIMIT_CHARACTERS:
        text = f"taskType has at most {LABEL_LIMIT_CHARACTERS} characters"
        raise Coded(400, text, "VALIDATION_ERROR")
    if not isinstance(body.get("input"), dict):
        raise Coded(400, "input object is required", "MISSING_FIELD")
    context = body.get("context")
    read: dict[str, Any] = {name: body[name] for name in ("taskType", "agent", "input")}
    return read | ({"context": context} if isinstance(context, dict) else {})


def progress_of(caller: Called, task: Task) -> Progress | None:
    return caller.desk.outputs.progress(task.organization, task.id, task.run_id)


async def remote_run(caller: Called, task: Task) -> str | None:
    """The id by which a remote engine knows the run."""
    where = HistoryFilter(task=task.id, types=[RunAttached.TYPE])
    page, _ = await looking.list_history(caller.scope, where, None, 1, newest_first=True)
    for line in page.rows:
        if line.event is not None and isinstance(line.event.data, RunAttached):
            handle = line.event.data.handle.get("id")
            return handle if isinstance(handle, str) else None
    return None
