"""Start a project: its plan is in the settings, by how deep the research shall be."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, JsonValue

from services.gateway.dialects.deep_work.goals import goal_labels
from services.gateway.dialects.deep_work.records import (
    DEPTH,
    ID,
    LABEL,
    ProjectDocument,
    Work,
    project_document,
)
from services.gateway.dialects.deep_work.refusing import Called, Said, described, once
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.settings import PlannedTask
from services.gateway.dialects.targets import payload_of, told_plainly
from services.operations import projects
from services.operations.requests import ProjectRequest, ProjectTask
from services.operations.scope import Undecided
from services.refusals import Unavailable

TITLE_CHARACTERS = 80


class StartRequest(BaseModel):
    description: Annotated[str, Field(min_length=10, max_length=5000)]
    research_depth: Literal["auto", "none", "quick", "standard", "deep"] = "auto"
    goal_analysis: dict[str, JsonValue] | None = None


class GoalRequest(BaseModel):
    description: Annotated[str, Field(min_length=10, max_length=5000)]


class ProjectReply(BaseModel):
    success: bool
    project: ProjectDocument


def routes(router: APIRouter) -> None:
    router.post("/api/deep-work/start", response_model=ProjectReply, **described(409, 413))(start)
    router.post("/api/deep-work/parse-goal", status_code=502, **described(502))(parse_goal)


async def parse_goal(caller: Called, body: GoalRequest) -> Response:
    """There is no language model here: what Deep Work answers when its own fails."""
    raise Said(502, "Goals aren't analysed here: start the project with its description")


@once
async def start(caller: Called, body: StartRequest) -> Response:
    """Create a project. It is answered as it was created, `planning`; its plan is there as soon."""
    plans = caller.desk.settings.dialects.deep_work.plans
    plan = plans.get(body.research_depth) or plans.get("auto", ())
    with told_plainly():
        request = ProjectRequest(
            title=title_of(body.description),
            description=body.description,
            labels={DEPTH: body.research_depth} | goal_labels(body.goal_analysis),
            tasks=planned(caller, plan, body.model_dump(exclude_none=True)),
            planned=True,
        )
    project = await projects.create_project(caller.scope, request)
    if isinstance(project, Undecided):
        raise Unavailable(f"{project.id!r} is durable, but not decided yet: look for it in a list")
    document = project_document(Work(project, ())).model_dump() | {"status": "planning"}
    return json_response({"success": True, "project": document})


def title_of(description: str) -> str:
    """Its first line that says anything."""
    lines = description.strip().splitlines() or [""]
    return lines[0][:TITLE_CHARACTERS]


def planned(
    caller: Called, plan: tuple[PlannedTask, ...], asked: dict[str, Any]
) -> tuple[ProjectTask, ...]:
    """The tasks of a plan, each with an id of its own."""
    ids = {
        each.title: caller.scope.new_subject_id("planned", number)
        for number, each in enumerate(plan)
    }
    return tuple(
        ProjectTask(
            kind=each.target.kind,
            id=ids[each.title],
            payload=payload_of(each.target, {**asked, "task": each.title}),
            description=each.description,
            labels={
                ID: ids[each.title],
                f"{LABEL}title": each.title,
                f"{LABEL}task_type": each.task_type,
                f"{LABEL}number": f"{number:06d}",
            },
            requires=each.target.requires,
            region=each.target.region,
            depends_on=tuple(ids[before] for before in each.after if before in ids),
            grace_seconds=each.target.grace_seconds,
            max_attempts=each.target.max_attempts,
            isolation=each.target.isolation,
        )
        for number, each in enumerate(plan)
    )
