"""One task of a project: skipped, or tried once more."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from events.words import PROJECT_FINISHED
from services.gateway.dialects.deep_work.projects import BASE
from services.gateway.dialects.deep_work.records import (
    ID,
    ProgressDocument,
    TaskDocument,
    Work,
    progress,
    task_document,
)
from services.gateway.dialects.deep_work.refusing import Called, Said, described, once
from services.gateway.dialects.deep_work.work import work_of
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import is_uuid
from services.operations import looking, steering
from services.operations.requests import AttemptRequest
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task
from services.refusals import Conflict

SKIPPABLE = ("inbox", "assigned", "blocked")


class TaskReply(BaseModel):
    success: bool
    task: TaskDocument
    progress: ProgressDocument


def routes(router: APIRouter) -> None:
    for name, handler in (("skip", skip), ("retry", retry)):
        path = f"{BASE}/tasks/{{task_id}}/{name}"
        router.post(path, response_model=TaskReply, **described(400, 404, 409))(handler)


@once
async def skip(caller: Called, project_id: str, task_id: str) -> Response:
    """Leave a task out."""
    work, task = await found(caller, project_id, task_id)
    word = task_document(task, work).status
    if word not in SKIPPABLE or work.project.status in PROJECT_FINISHED:
        raise Said(400, f"Cannot skip task with status '{word}'")
    try:
        await steering.skip(caller.scope, task.id, AttemptRequest())
    except Conflict as error:
        raise Said(400, f"Cannot skip task with status '{word}'") from error
    return await task_replied(caller, project_id, task_id)


@once
async def retry(caller: Called, project_id: str, task_id: str) -> Response:
    """Let a blocked task be tried once more."""
    work, task = await found(caller, project_id, task_id)
    word = task_document(task, work).status
    try:
        await steering.retry(caller.scope, task.id, AttemptRequest())
    except Conflict as error:
        text = f"Can only retry tasks with status 'blocked', got '{word}'"
        raise Said(400, text) from error
    return await task_replied(caller, project_id, task_id)


async def found(caller: Called, project_id: str, task_id: str) -> tuple[Work, Task]:
    work = await work_of(caller, project_id)
    if is_uuid(task_id):
        task_id = task_id.lower()
    for task in work.tasks:
        if task.id in (task_id, f"{work.project.id}.{task_id}"):
            return work, task
    if "." in task_id or await is_of_another(caller, task_id):
        raise Said(400, "Task does not belong to this project")
    raise Said(404, "Task not found")


async def is_of_another(caller: Called, task_id: str) -> bool:
    """Whether another project of the caller's organization has a task by this id."""
    where = TaskFilter(label=(ID, task_id))
    page, _ = await looking.list_tasks(caller.scope, where, None, 1, None)
    return bool(page.rows)


async def task_replied(caller: Called, project_id: str, task_id: str) -> Response:
    work, task = await found(caller, project_id, task_id)
    shown = task_document(task, work)
    return json_response({"success": True, "task": shown, "progress": progress(work)})
