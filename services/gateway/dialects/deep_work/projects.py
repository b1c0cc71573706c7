"""A project's life: its plan, approve, pause, resume, cancel; skip and retry a task."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from events.words import PROJECT_FINISHED, ProjectStatus
from services.gateway.dialects.deep_work.records import (
    PROJECT_WORDS,
    EnrichedProject,
    ProgressDocument,
    TaskDocument,
    Work,
    enriched,
    goal_of,
    levels,
    progress,
    project_document,
    task_document,
    task_documents,
)
from services.gateway.dialects.deep_work.refusing import Called, Said, described
from services.gateway.dialects.deep_work.starting import ProjectReply
from services.gateway.dialects.deep_work.work import with_tasks, work_of
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.stopping import stop_project
from services.operations import projects, steering
from services.operations.requests import AttemptRequest, PauseNumber, PlanNumber
from services.read_models.rows import Project, Task
from services.refusals import Conflict, Unavailable

BASE = "/api/deep-work/projects/{project_id}"
REASON = "cancelled through Deep Work"
NOT_CONFIRMED = "The project was asked to stop, and hasn't confirmed it yet: try again"


class PlanReply(BaseModel):
    project: EnrichedProject
    tasks: list[TaskDocument]
    progress: ProgressDocument
    prd: dict[str, Any] | None
    execution_levels: list[list[str]]
    task_level_map: dict[str, int]
    goal_analysis: dict[str, Any] | None


class TaskReply(BaseModel):
    success: bool
    task: TaskDocument
    progress: ProgressDocument


def routes(router: APIRouter) -> None:
    router.post(f"{BASE}/cancel", response_model=ProjectReply, **described(400, 500))(cancel)
    router.get(f"{BASE}/plan", response_model=PlanReply, **described(404))(get_plan)
    for name, handler in (("approve", approve), ("pause", pause), ("resume", resume)):
        router.post(f"{BASE}/{name}", response_model=ProjectReply, **described(404))(handler)
    for name, of_task in (("skip", skip), ("retry", retry)):
        path = f"{BASE}/tasks/{{task_id}}/{name}"
        router.post(path, response_model=TaskReply, **described(400, 404))(of_task)


def replied(work: Work) -> Response:
    return json_response({"success": True, "project": project_document(work)})


async def cancel(caller: Called, project_id: str) -> Response:
    """Cancel a project: what runs stops, what is done stays, the rest is skipped."""
    await work_of(caller, project_id, 400, named=True)
    done = await stop_project(caller, project_id, REASON)
    if done.too_late:
        word = PROJECT_WORDS[done.project.status]
        raise Said(400, f"Cannot cancel project with status '{word}'")
    if not done.confirmed:
        raise Said(500, NOT_CONFIRMED)
    return replied(await with_tasks(caller, done.project))


async def get_plan(caller: Called, project_id: str) -> Response:
    """A project with its tasks, and what must come before what."""
    work = await work_of(caller, project_id)
    in_levels = levels(work)
    return json_response(
        {
            "project": enriched(work),
            "tasks": task_documents(work),
            "progress": progress(work),
            "prd": None,
            "execution_levels": in_levels,
            "task_level_map": {
                task_id: number for number, level in enumerate(in_levels) for task_id in level
            },
            "goal_analysis": goal_of(work.project),
        }
    )


# -------------------------------------------------------------------------------- the whole project


async def approve(caller: Called, project_id: str) -> Response:
    """Execute the plan."""
    return await steered(
        caller,
        project_id,
        "approve",
        ProjectStatus.PLANNED,
        lambda: projects.approve_plan(caller.scope, project_id, PlanNumber()),
    )


async def pause(caller: Called, project_id: str) -> Response:
    """Start nothing new."""
    return await steered(
        caller,
        project_id,
        "pause",
        ProjectStatus.EXECUTING,
        lambda: projects.pause(caller.scope, project_id, PauseNumber()),
    )


async def resume(caller: Called, project_id: str) -> Response:
    """End a pause."""
    return await steered(
        caller,
        project_id,
        "resume",
        ProjectStatus.PAUSED,
        lambda: projects.resume(caller.scope, project_id, PauseNumber()),
    )


async def steered(
    caller: Called,
    project_id: str,
    what: str,
    needed: ProjectStatus,
    work: Callable[[], Awaitable[Project | None]],
) -> Response:
    project = (await work_of(caller, project_id, named=True)).project
    if project.status is not needed:
        word = PROJECT_WORDS[project.status]
        raise Said(404, f"Cannot {what} project with status '{word}'")
    try:
        changed = await work()
    except Conflict as error:
        raise Said(404, f"Cannot {what} project: {error}") from error
    if changed is None:
        raise Unavailable("this is durable, but not decided yet: look again")
    return replied(await with_tasks(caller, changed))


# --------------------------------------------------------------------------------------- one task


async def skip(caller: Called, project_id: str, task_id: str) -> Response:
    """Leave a task out."""
    work, task = await found(caller, project_id, task_id)
    word = task_document(task, work).status
    if word not in ("inbox", "assigned", "blocked") or work.project.status in PROJECT_FINISHED:
        raise Said(400, f"Cannot skip task with status '{word}'")
    try:
        await steering.skip(caller.scope, task.id, AttemptRequest())
    except Conflict as error:
        raise Said(400, f"Cannot skip task with status '{word}'") from error
    return await task_replied(caller, project_id, task_id)


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
    for task in work.tasks:
        if task.id in (task_id, f"{work.project.id}.{task_id}"):
            return work, task
    if "." in task_id:
        raise Said(400, "Task does not belong to this project")
    raise Said(404, "Task not found")


async def task_replied(caller: Called, project_id: str, task_id: str) -> Response:
    work, task = await found(caller, project_id, task_id)
    shown = task_document(task, work)
    return json_response({"success": True, "task": shown, "progress": progress(work)})
