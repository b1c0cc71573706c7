"""Projects: created with their tasks, steered, cancelled."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Response

from events.ids import LIMIT_CHARACTERS, PATTERN
from events.words import ProjectStatus
from services.gateway.answers import answer, receipt_answer, undecided
from services.gateway.callers import CANCELLING, IDEMPOTENT, Called, preferred_wait
from services.gateway.documents import ProjectDocument, ProjectPage, project_document
from services.gateway.native import native_routes
from services.gateway.pages import (
    NAMED_LIMIT,
    AsOfText,
    Cursor,
    Limit,
    aware,
    page_rows,
    read_as_of,
)
from services.gateway.problems import Responses, responses
from services.gateway.receipt_documents import AcceptedDocument, ReceiptDocument, receipt_document
from services.gateway.routes.cancels import STOPPING, WaitSeconds, bounded
from services.operations import cancelling, looking, projects
from services.operations.requests import (
    PauseNumber,
    PlanNumber,
    PlanRequest,
    ProjectCancelBody,
    ProjectRequest,
)
from services.operations.scope import Undecided
from services.read_models.questions import ProjectFilter
from services.read_models.rows import Project

router = native_routes("projects")

ProjectId = Annotated[
    str, Path(pattern=f"^{PATTERN}$", max_length=LIMIT_CHARACTERS, examples=["release-12"])
]
ACCEPTED: Responses = {202: {"model": AcceptedDocument}}


@router.post(
    "/projects",
    status_code=201,
    response_model=ProjectDocument,
    responses={**ACCEPTED, **responses(409, 413)},
    openapi_extra=IDEMPOTENT,
)
async def create(caller: Called, body: ProjectRequest) -> Response:
    """Create a project with its tasks and their dependencies."""

    async def work() -> Response:
        project = await projects.create_project(caller.scope, body)
        if isinstance(project, Undecided):
            return undecided(project)
        headers = {"location": f"/countermand/v1/projects/{project.id}"}
        return answer(project_document(project), 201, headers)

    return await caller.once(work)


@router.get("/projects", response_model=ProjectPage, responses=responses())
async def list_projects(
    caller: Called,
    status: Annotated[list[ProjectStatus] | None, Query(max_length=NAMED_LIMIT)] = None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
    as_of: AsOfText = None,
    cursor: Cursor = None,
    limit: Limit = None,
) -> Response:
    """Projects, newest first."""
    where = ProjectFilter(
        status=status,
        created_from=aware(created_from, "created_from"),
        created_before=aware(created_before, "created_before"),
    )
    rows = page_rows(caller, limit)
    page, fresh = await looking.list_projects(caller.scope, where, cursor, rows, read_as_of(as_of))
    items = tuple(map(project_document, page.rows))
    return answer(ProjectPage(items=items, next_cursor=page.next_cursor), fresh=fresh)


@router.get("/projects/{project_id}", response_model=ProjectDocument, responses=responses(404))
async def get_project(caller: Called, project_id: ProjectId, as_of: AsOfText = None) -> Response:
    """A project, now or as of then."""
    project, fresh = await looking.get_project(caller.scope, project_id, read_as_of(as_of))
    return answer(project_document(project), fresh=fresh)


STEERED: Responses = {**ACCEPTED, **responses(404, 409, 413)}


@router.post(
    "/projects/{project_id}/plan",
    response_model=ProjectDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def plan(caller: Called, project_id: ProjectId, body: PlanRequest | None = None) -> Response:
    """The plan is complete, and awaits approval."""
    request = body or PlanRequest()
    return await caller.once(
        lambda: steered(project_id, projects.plan(caller.scope, project_id, request))
    )


@router.post(
    "/projects/{project_id}/approve",
    response_model=ProjectDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def approve(
    caller: Called, project_id: ProjectId, body: PlanNumber | None = None
) -> Response:
    """Execute the plan."""
    request = body or PlanNumber()
    return await caller.once(
        lambda: steered(project_id, projects.approve_plan(caller.scope, project_id, request))
    )


@router.post(
    "/projects/{project_id}/pause",
    response_model=ProjectDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def pause(caller: Called, project_id: ProjectId, body: PauseNumber | None = None) -> Response:
    """Start nothing new; what runs goes on."""
    request = body or PauseNumber()
    return await caller.once(
        lambda: steered(project_id, projects.pause(caller.scope, project_id, request))
    )


@router.post(
    "/projects/{project_id}/resume",
    response_model=ProjectDocument,
    responses=STEERED,
    openapi_extra=IDEMPOTENT,
)
async def resume(
    caller: Called, project_id: ProjectId, body: PauseNumber | None = None
) -> Response:
    """End a pause."""
    request = body or PauseNumber()
    return await caller.once(
        lambda: steered(project_id, projects.resume(caller.scope, project_id, request))
    )


@router.post(
    "/projects/{project_id}/cancel",
    response_model=ReceiptDocument,
    responses={**STOPPING, **responses(404, 409, 413)},
    openapi_extra=CANCELLING,
)
async def cancel(
    caller: Called,
    project_id: ProjectId,
    body: ProjectCancelBody | None = None,
) -> Response:
    """Stop what executes, skip the rest, keep what is done. There is no way back."""
    request = body or ProjectCancelBody()
    wait_seconds = preferred_wait(caller)

    async def work() -> Response:
        receipt = await cancelling.cancel_project(caller.scope, project_id, request, wait_seconds)
        return receipt_answer(receipt, f"/countermand/v1/projects/{project_id}/receipt")

    return await caller.once(work)


@router.get(
    "/projects/{project_id}/receipt",
    response_model=ReceiptDocument,
    responses={**STOPPING, **responses(404, 409)},
)
async def get_receipt(
    caller: Called, project_id: ProjectId, wait_seconds: WaitSeconds = 0
) -> Response:
    """The receipt of the project's cancel; waits for the end."""
    wait_seconds = bounded(caller, wait_seconds)
    receipt = await looking.receipt_of_project(caller.scope, project_id, wait_seconds)
    return answer(receipt_document(receipt), 200 if receipt.ended else 202)


async def steered(project_id: str, asked: Awaitable[Project | None]) -> Response:
    project = await asked
    return (
        undecided(Undecided(project_id)) if project is None else answer(project_document(project))
    )
