"""Deep Work's errors, FastAPI's `{"detail": ...}`, and who is asking."""

import re
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from events.errors import InvalidId
from services.gateway.callers import READING, Caller
from services.gateway.desk import desk_of
from services.gateway.dialects import dialect
from services.gateway.dialects.credentials import bearer, caller_by, from_another_site
from services.gateway.dialects.dialect import Wrong, json_response, rate_limits, status_of
from services.gateway.problems import Responses
from services.refusals import Forbidden, Invalid, NotFound, Refused, TooMany, Unauthenticated

COOKIE = "pocketpaw_session"
_OWN = re.compile(r"/api/(deep-work|mission-control)(/|$)")


class Place(BaseModel):
    type: str
    loc: list[str | int]
    msg: str


class Detail(BaseModel):
    detail: str | list[Place]


class Said(Refused):
    """A refusal in Deep Work's own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def owns(path: str) -> bool:
    return _OWN.match(path) is not None


def refusal(_path: str, error: Wrong) -> Response:
    status = status_of(error)
    detail: Any = str(error)
    match error:
        case Said():
            status = error.status
        case Unauthenticated():
            detail = "Unauthorized"
        case NotFound(what=what):
            detail = f"{what.capitalize()} not found"
        case InvalidId():
            status, detail = 404, "Project not found"
        case RequestValidationError() | ValidationError():
            detail = [
                {"type": each["type"], "loc": list(each["loc"]), "msg": each["msg"]}
                for each in error.errors()[:100]
            ]
        case Invalid(field=field, why=why):
            detail = [{"type": "value_error", "loc": ["body", field], "msg": why}]
        case TooMany():
            detail = "Too many requests"
        case HTTPException():
            detail = str(error.detail)
        case _ if status == 500:
            detail = "Internal server error"
    return json_response({"detail": detail}, status, **rate_limits(error))


async def caller(request: Request) -> Caller:
    """A key of ours as a bearer token, in `x-api-key`, in `?token=`, or as the session cookie."""
    credential = (
        bearer(request)
        or request.headers.get("x-api-key")
        or request.query_params.get("token")
        or None
    )
    if credential is None:
        credential = request.cookies.get(COOKIE)
        if credential and request.method not in READING and from_another_site(request):
            raise Forbidden("to act from another site's page")
    return await caller_by(desk_of(request), request, credential)


Called = Annotated[Caller, Depends(caller)]


def errors(*statuses: int) -> Responses:
    """For OpenAPI."""
    return {
        status: {"model": Detail, "description": "Refused"}
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }


def described(*statuses: int, **more: Any) -> dict[str, Any]:
    return {"responses": errors(*statuses), **more}


router = dialect.router("deep-work", refusal)
once = dialect.once(refusal)
