"""A project's life: approved, paused, resumed, cancelled."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi import APIRouter, Response

from events.words import ProjectStatus
from services.gateway.dialects.deep_work.records import PROJECT_WORDS, Work, project_document
from services.gateway.dialects.deep_work.refusing import Called, Said, described, once
from services.gateway.dialects.deep_work.starting import ProjectReply
from services.gateway.dialects.deep_work.work import with_tasks, work_of
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.stopping import stop_project
from services.operations import projects
from services.operations.requests import PauseNumber, PlanNumber
from services.operations.scope import Scope
from services.read_models.rows import Project
from services.refusals import Conflict, Unavailable

BASE = "/api/deep-work/projects/{project_id}"
REASON = "cancelled through Deep Work"
NOT_CONFIRMED = "The project was asked to stop, and hasn't confirmed it yet: try again"


class Step(NamedTuple):
    """What moves a project on, and from where."""

    name: str
    summary: str
    start: ProjectStatus
    take: Callable[[Scope, str], Awaitable[Project | None]]


STEPS = (
    Step(
        "approve",
        "Execute the plan.",
        ProjectStatus.PLANNED,
        lambda scope, id: projects.approve_plan(scope, id, PlanNumber()),
    ),
    Step(
        "pause",
        "Start nothing new.",
        ProjectStatus.EXECUTING,
        lambda scope, id: projects.pause(scope, id, PauseNumber()),
    ),
    Step(
        "resume",
        "End a pause.",
        ProjectStatus.PAUSED,
        lambda scope, id: projects.resume(scope, id, PauseNumber()),
    ),
)


def routes(router: APIRouter) -> None:
    router.post(f"{BASE}/cancel", response_model=ProjectReply, **described(400, 500))(cancel)
    for step in STEPS:
        router.post(
            f"{BASE}/{step.name}",
            name=step.name,
            description=step.summary,
            response_model=ProjectReply,
            **described(404, 409),
        )(handler(step))


def handler(step: Step) -> Callable[..., Awaitable[Response]]:
    """A step's route."""

    @once
    async def taken(caller: Called, project_id: str) -> Response:
        project = (await work_of(caller, project_id, named=True)).project
        if project.status is not step.start:
            raise cannot(step.name, project, 404)
        try:
            changed = await step.take(caller.scope, project.id)
        except Conflict as error:  # Somebody was first.
            now = (await work_of(caller, project_id, named=True)).project
            raise cannot(step.name, now, 404) from error
        if changed is None:
            raise Unavailable("this is durable, but not decided yet: look again")
        return replied(await with_tasks(caller, changed))

    return taken


async def cancel(caller: Called, project_id: str) -> Response:
    """Cancel a project: what runs stops, what is done stays, the rest is skipped."""
    project = (await work_of(caller, project_id, 400, named=True)).project
    done = await stop_project(caller, project.id, REASON)
    if done.too_late:
        raise cannot("cancel", done.project, 400)
    if not done.confirmed:
        raise Said(500, NOT_CONFIRMED)
    return replied(await with_tasks(caller, done.project))


def cannot(what: str, project: Project, status: int) -> Said:
    word = PROJECT_WORDS[project.status]
    return Said(status, f"Cannot {what} project with status '{word}'")


def replied(work: Work) -> Response:
    return json_response({"success": True, "project": project_document(work)})
