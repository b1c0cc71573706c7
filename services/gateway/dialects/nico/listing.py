"""Lists of tasks: of a site, a rack, a tray; a bare array, and where one is in `X-Pagination`."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic_core import to_json

from services.gateway.callers import Caller
from services.gateway.dialects import numbered_pages
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import AS_UUID, is_uuid
from services.gateway.dialects.nico.callers import Called, need, place_of, query_of
from services.gateway.dialects.nico.records import ACTIVE, LABEL, TaskDocument, document
from services.gateway.dialects.nico.refusing import Said, described
from services.gateway.dialects.nico.tasks import BASE, SITE_QUERY
from services.permissions import Permission
from services.read_models.questions import TaskFilter

PAGE_LIMIT = 100
PAGE_DEFAULT = 20

PartId = Annotated[str, Path(json_schema_extra=AS_UUID)]


def parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


PARAMETERS = [
    SITE_QUERY,
    parameter("activeOnly", {"type": "boolean", "default": False}),
    parameter("includeReport", {"type": "boolean", "default": False}),
    parameter("pageNumber", {"type": "integer", "minimum": 1, "default": 1}),
    parameter(
        "pageSize",
        {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE_DEFAULT},
    ),
]


def routes(router: APIRouter) -> None:
    for path, handler in (
        (f"{BASE}/task", of_site),
        (f"{BASE}/rack/{{id}}/task", of_rack),
        (f"{BASE}/tray/{{id}}/task", of_tray),
    ):
        router.get(
            path,
            response_model=list[TaskDocument],
            openapi_extra={"parameters": PARAMETERS},
            **described(412),
        )(handler)


async def of_site(caller: Called) -> Response:
    """All tasks of a site, newest first."""
    return await listed(caller, None)


async def of_rack(caller: Called, id: PartId) -> Response:
    """A rack's tasks, newest first."""
    return await listed(caller, ("rack", id))


async def of_tray(caller: Called, id: PartId) -> Response:
    """A tray's tasks, newest first."""
    return await listed(caller, ("tray", id))


async def listed(caller: Caller, part: tuple[str, str] | None) -> Response:
    need(caller, Permission.TASKS_READ)
    if part is not None and not is_uuid(part[1]):
        raise Said(400, f"Invalid {part[0].capitalize()} ID specified in URL")
    names = ("siteId", "activeOnly", "includeReport", "pageNumber", "pageSize", "orderBy")
    query = query_of(caller, *names)
    place = place_of(caller, query["siteId"])
    number = whole(query, "pageNumber", 1, 1_000_000)
    size = whole(query, "pageSize", PAGE_DEFAULT, PAGE_LIMIT)
    truth(query, "includeReport")
    where = TaskFilter(
        status=ACTIVE if truth(query, "activeOnly") else None,
        region=place.region,
        label=None if part is None else (f"{LABEL}{part[0]}", part[1].lower()),
    )
    page = await numbered_pages.tasks(caller, where, (number - 1) * size, size, place.has)
    at = {"pageNumber": number, "pageSize": size, "total": page.total, "orderBy": None}
    response = json_response([document(task) for task in page.rows])
    response.headers["X-Pagination"] = to_json(at).decode()
    return response


def whole(query: dict[str, str], name: str, otherwise: int, limit: int) -> int:
    text = query.get(name, str(otherwise))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= limit):
        raise Said(400, "Error validating pagination request data", {name: f"1 to {limit}"})
    return int(text)


def truth(query: dict[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise Said(400, "Error validating request query data", {name: "true or false"})
    return text == "true"
