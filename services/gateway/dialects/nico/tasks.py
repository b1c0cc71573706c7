"""Get a task, cancel it, and who one is. Both mounts, `/task` and `/rack/task`, are the same."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic_core import from_json

from events.words import Status
from services.gateway.callers import Caller
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import AS_UUID, known_task
from services.gateway.dialects.nico.callers import Called, Place, need, place_of, query_of
from services.gateway.dialects.nico.records import TaskDocument, document
from services.gateway.dialects.nico.refusing import Said, described
from services.gateway.dialects.stopping import stop
from services.operations import looking
from services.permissions import Permission
from services.read_models.rows import Task
from services.refusals import NotFound

BASE = "/v2/org/{org}/nico"
REASON = "cancelled through NICo's API"
INVALID_CANCEL = "Failed to validate cancel task request data"

Id = Annotated[str, Path(json_schema_extra=AS_UUID)]
SITE_QUERY: dict[str, Any] = {
    "name": "siteId",
    "in": "query",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
CANCEL_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["siteId"],
                "properties": {"siteId": {"type": "string", "format": "uuid"}},
            }
        }
    },
}


def routes(router: APIRouter) -> None:
    for mount in (f"{BASE}/task/{{id}}", f"{BASE}/rack/task/{{id}}"):
        router.post(
            f"{mount}/cancel",
            status_code=202,
            response_model=TaskDocument,
            openapi_extra={"requestBody": CANCEL_BODY},
            **described(404, 412),
        )(cancel)
        router.get(
            mount,
            response_model=TaskDocument,
            openapi_extra={"parameters": [SITE_QUERY]},
            **described(404, 412),
        )(get_task)
    router.get(f"{BASE}/user/current", **described())(current_user)


async def cancel(caller: Called, id: Id) -> Response:
    """Cancel a task, as well as it can be: the answer is its last known state."""
    need(caller, Permission.TASKS_CANCEL)
    task_id = await known_task(caller, id)
    body = await body_of(caller)
    site_id = body.get("siteId")
    if not isinstance(site_id, str) or not site_id:
        raise Said(400, INVALID_CANCEL, {})
    await at(caller, place_of(caller, site_id), task_id)
    done = await stop(caller, task_id, REASON)
    if done.task.status in (Status.SUCCEEDED, Status.FAILED):
        status = "completed" if done.task.status is Status.SUCCEEDED else "failed"
        raise Said(400, f"task {task_id} cannot be cancelled (status: {status})")
    return json_response(document(done.task), 202)


async def get_task(caller: Called, id: Id) -> Response:
    """A task of a site."""
    need(caller, Permission.TASKS_READ)
    task_id = await known_task(caller, id)
    query = query_of(caller, "siteId", "includeReport")
    return json_response(document(await at(caller, place_of(caller, query["siteId"]), task_id)))


async def current_user(caller: Called) -> Response:
    """Who one is."""
    principal = caller.scope.principal
    return json_response(
        {"id": principal.id, "org": principal.organization, "kind": principal.kind}
    )


async def at(caller: Caller, place: Place, task_id: str) -> Task:
    """The task, if it is one of this site's."""
    task, _ = await looking.get_task(caller.scope, task_id)
    if not place.has(task):
        raise NotFound("task", task_id)
    return task


async def body_of(caller: Caller) -> dict[str, Any]:
    """The request's JSON object."""
    try:
        body = from_json(await caller.request.body())
    except ValueError as error:
        raise Said(400, "Failed to parse request data") from error
    if not isinstance(body, dict):
        raise Said(400, "Failed to parse request data")
    return body
