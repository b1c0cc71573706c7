"""A project's plan: its tasks, and what must come before what."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.gateway.dialects.deep_work.goals import goal_of
from services.gateway.dialects.deep_work.projects import BASE
from services.gateway.dialects.deep_work.records import (
    EnrichedProject,
    ProgressDocument,
    TaskDocument,
    enriched,
    levels,
    progress,
    task_documents,
)
from services.gateway.dialects.deep_work.refusing import Called, described
from services.gateway.dialects.deep_work.work import work_of
from services.gateway.dialects.dialect import json_response


class PlanReply(BaseModel):
    project: EnrichedProject
    tasks: list[TaskDocument]
    progress: ProgressDocument
    prd: dict[str, Any] | None
    execution_levels: list[list[str]]
    task_level_map: dict[str, int]
    goal_analysis: dict[str, Any] | None


def routes(router: APIRouter) -> None:
    router.get(f"{BASE}/plan", response_model=PlanReply, **described(404))(get_plan)


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
