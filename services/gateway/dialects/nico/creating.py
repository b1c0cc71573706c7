"""What makes tasks: power, firmware and bring-up of racks and trays, one task for each."""

from typing import Any, NamedTuple

from fastapi import APIRouter, Response
from pydantic import JsonValue

from services.gateway.callers import Caller
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import is_uuid
from services.gateway.dialects.nico.callers import Called, Place, need, nico, place_of
from services.gateway.dialects.nico.records import LABEL, SITE_LABEL, TaskIds
from services.gateway.dialects.nico.refusing import Said, described, once
from services.gateway.dialects.nico.tasks import BASE, body_of
from services.gateway.dialects.settings import Target
from services.gateway.dialects.targets import create_all, wanted
from services.permissions import Permission

STATES = ("on", "off", "cycle", "forceoff", "forcecycle")
PARTS_LIMIT = 100
"""Tasks that one request makes."""


class Work(NamedTuple):
    """What is to be done to which kind of part."""

    action: str
    """`power`, `firmware` or `bringup`."""
    part: str
    """`rack` or `tray`."""


def routes(router: APIRouter) -> None:
    for part in ("rack", "tray"):
        for action, method in (("power", "PATCH"), ("firmware", "PATCH"), ("bringup", "POST")):
            if (part, action) == ("tray", "bringup"):
                continue
            one, many = handlers(Work(action, part))
            for path, handler in (
                (f"{BASE}/{part}/{action}", many),
                (f"{BASE}/{part}/{{id}}/{action}", one),
            ):
                router.add_api_route(
                    path,
                    handler,
                    methods=[method],
                    response_model=TaskIds,
                    openapi_extra={"requestBody": body_for(action)},
                    **described(409, 412, 413),
                )


def body_for(action: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"siteId": {"type": "string", "format": "uuid"}}
    required = ["siteId"]
    if action == "power":
        properties["state"] = {"enum": list(STATES)}
        required.append("state")
    schema = {"type": "object", "properties": properties, "required": required}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def handlers(work: Work) -> Any:
    """The two routes of one kind of work."""

    @once
    async def of_one(caller: Called, id: str) -> Response:
        """Begin it for one."""
        need(caller, Permission.TASKS_SUBMIT)
        if not is_uuid(id):
            raise Said(400, f"Invalid {work.part.capitalize()} ID specified in URL")
        body = await body_of(caller)
        place = place_of(caller, site_id_of(body))
        return await begun(caller, work, place, body, [id])

    @once
    async def of_many(caller: Called) -> Response:
        """Begin it for those that a filter names; without one, for all that the site has."""
        need(caller, Permission.TASKS_SUBMIT)
        body = await body_of(caller)
        place = place_of(caller, site_id_of(body))
        return await begun(caller, work, place, body, chosen(body, work, place))

    return of_one, of_many


def site_id_of(body: dict[str, Any]) -> str:
    site_id = body.get("siteId")
    if not isinstance(site_id, str) or not site_id:
        raise Said(400, "Error validating request data", {"siteId": "A value is required"})
    return site_id


def chosen(body: dict[str, Any], work: Work, place: Place) -> list[str]:
    """The ids or names that the filter gives. One that makes no sense is never taken for none:
    it would turn everything off."""
    filter = body.get("filter")
    if filter is None or filter == {}:
        return [str(id) for id in (place.site.racks if work.part == "rack" else place.site.trays)]
    named: list[Any] = []
    for each in filter.values() if isinstance(filter, dict) else ():
        named += each if isinstance(each, list) else [each]
    if not named or not all(isinstance(name, str) and 0 < len(name) <= 200 for name in named):
        raise Said(400, "Error validating request data", {"filter": "lists of ids or names"})
    if len(named) > PARTS_LIMIT:
        raise Said(400, "Error validating request data", {"filter": f"at most {PARTS_LIMIT}"})
    return list(dict.fromkeys(named))


async def begun(
    caller: Caller, work: Work, place: Place, body: dict[str, Any], parts: list[str]
) -> Response:
    state = body.get("state")
    if work.action == "power" and str(state).lower() not in STATES:
        raise Said(
            400, "Error validating request data", {"state": f"must be one of {' '.join(STATES)}"}
        )
    target: Target = getattr(nico(caller), work.action)
    tasks = [
        wanted(
            caller,
            target,
            asked_of(work, body, part),
            {f"{LABEL}{work.part}": part.lower(), SITE_LABEL: place.id.lower()},
            description=description(work, state, body),
            region=place.region,
            part=part,
        )
        for part in parts
    ]
    return json_response({"taskIds": await create_all(caller, tasks)})


def asked_of(work: Work, body: dict[str, Any], part: str) -> dict[str, JsonValue]:
    """What is asked of one rack or tray."""
    for_all = {name: value for name, value in body.items() if name != "filter"}
    return for_all | {"action": work.action, "part": work.part, "partId": part}


def description(work: Work, state: Any, body: dict[str, Any]) -> str:
    given = body.get("description")
    if isinstance(given, str) and given:
        return given
    match work.action:
        case "power":
            return f"Power {str(state).lower()} {work.part} components"
        case "firmware":
            return f"Firmware update of {work.part} components"
        case _:
            return f"Bring-up of {work.part}"
