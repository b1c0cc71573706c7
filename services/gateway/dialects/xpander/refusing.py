"""xpander's errors: FastAPI's own `detail`, a text, or a list for what doesn't validate.

403 for a task of another organization when a service made its id, which nobody can guess; 404
when a caller chose it, so that nobody learns which ids others have chosen.
"""

import re
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from events.errors import InvalidId
from events.ids import is_marked
from services.gateway.callers import Caller
from services.gateway.desk import desk_of
from services.gateway.dialects import dialect
from services.gateway.dialects.credentials import bearer, caller_by
from services.gateway.dialects.dialect import Wrong, json_response, rate_limits, status_of
from services.gateway.dialects.ids import MalformedId
from services.gateway.problems import Responses
from services.refusals import Forbidden, Invalid, NotFound, Unauthenticated

_OWN = re.compile(r"/v1/(tasks|agents)(/|$)|/([^/]+/){0,2}agent-execution/")


class Detail(BaseModel):
    detail: str


class Place(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Details(BaseModel):
    detail: list[Place] | str


def owns(path: str) -> bool:
    return _OWN.match(path) is not None


def refusal(_path: str, error: Wrong) -> Response:
    status = status_of(error)
    match error:
        case RequestValidationError() | ValidationError():
            places = [
                {"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]}
                for each in error.errors()[:100]
            ]
            return json_response({"detail": places}, 422)
        case MalformedId() | InvalidId():
            place = {
                "loc": ["path", "task_id"],
                "msg": "Input should be a valid UUID",
                "type": "uuid_parsing",
            }
            return json_response({"detail": [place]}, 422)
        case Invalid(field=field, why=why):
            place = {"loc": ["body", *field.split(".")], "msg": why, "type": "value_error"}
            return json_response({"detail": [place]}, 422)
        case NotFound(what="task", id=id) if is_marked(id):
            detail = "Task belongs to a different organization"
            return json_response({"detail": detail}, 403)
        case NotFound(what=what):
            return json_response({"detail": f"{what.capitalize()} not found"}, 404)
        case Unauthenticated():
            detail = f"Invalid API key: {error}"
        case HTTPException():
            detail = str(error.detail)
        case _:
            detail = "Internal server error" if status == 500 else str(error)
    return json_response({"detail": detail}, status, **rate_limits(error))


async def caller(request: Request) -> Caller:
    """`x-api-key`, or a bearer token."""
    desk = desk_of(request)
    credential = request.headers.get("x-api-key") or bearer(request)
    called = await caller_by(desk, request, credential)
    organization = request.path_params.get("organization_id")
    if organization is not None and organization != called.scope.organization:
        raise Forbidden(f"to act in the organization {organization[:100]!r}")
    return called


Called = Annotated[Caller, Depends(caller)]


def errors(*statuses: int) -> Responses:
    """For OpenAPI."""
    all_of_them: Responses = {
        status: {"model": Detail, "description": "Refused"} for status in statuses
    }
    for status in (401, 403, 429, 503):
        all_of_them.setdefault(status, {"model": Detail, "description": "Refused"})
    all_of_them[422] = {"model": Details, "description": "Not valid"}
    return all_of_them


def described(*statuses: int, **more: Any) -> dict[str, Any]:
    return {"responses": errors(*statuses), **more}


router = dialect.router("xpander", refusal)
once = dialect.once(refusal)
