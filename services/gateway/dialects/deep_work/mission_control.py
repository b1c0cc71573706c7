"""Mission control: where clients of Deep Work list, get and delete projects."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from events.words import PROJECT_FINISHED
from services.gateway.dialects import numbered_pages
from services.gateway.dialects.deep_work.projects import NOT_CONFIRMED
from services.gateway.dialects.deep_work.records import (
    PROJECT_WORDS,
    EnrichedProject,
    ProgressDocument,
    ProjectWord,
    TaskDocument,
    enriched,
    progress,
    task_documents,
)
from services.gateway.dialects.deep_work.refusing import Called, Said, described
from services.gateway.dialects.deep_work.work import with_tasks, work_of
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.stopping import stop_project
from services.read_models.questions import ProjectFilter

BASE = "/api/mission-control/projects"
REASON = "deleted through mission control"


class ProjectsReply(BaseModel):
    projects: list[EnrichedProject]
    count: int


class ProjectReply(BaseModel):
    project: EnrichedProject
    tasks: list[TaskDocument]
    progress: ProgressDocument


class Deleted(BaseModel):
    success: bool
    message: str


def routes(router: APIRouter) -> None:
    router.get(BASE, response_model=ProjectsReply, **described())(list_projects)
    one = f"{BASE}/{{project_id}}"
    router.get(one, response_model=ProjectReply, **described(404))(get_project)
    router.delete(one, response_model=Deleted, **described(404, 500))(delete_project)


async def list_projects(
    caller: Called,
    status: ProjectWord | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Projects, newest first; `count` is how many there are before the limit."""
    core = [core for core, word in PROJECT_WORDS.items() if word == status]
    where = ProjectFilter(status=None if status is None else core)
    rows = [] if status and not core else await numbered_pages.projects(caller, where)
    shown = [enriched(await with_tasks(caller, project)) for project in rows[:limit]]
    return json_response({"projects": shown, "count": len(rows)})


async def get_project(caller: Called, project_id: str) -> Response:
    """A project with its tasks."""
    work = await work_of(caller, project_id)
    return json_response(
        {"project": enriched(work), "tasks": task_documents(work), "progress": progress(work)}
    )


async def delete_project(caller: Called, project_id: str) -> Response:
    """Stop a project if it isn't over. Its record stays: what happened is kept for ever."""
    work = await work_of(caller, project_id)
    if work.project.status not in PROJECT_FINISHED:
        done = await stop_project(caller, work.project.id, REASON)
        if not done.confirmed:
            raise Said(500, NOT_CONFIRMED)
    return json_response({"success": True, "message": f"Project {project_id} deleted"})
