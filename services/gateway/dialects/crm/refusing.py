"""The CRM's errors, `{"error", "code"}`, and who is asking: a session, or a key of ours.

Its cancel answers 404 and 409 with `error` alone.
"""

import re
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from events.errors import InvalidId
from services.gateway.callers import READING, Caller, calling
from services.gateway.desk import desk_of
from services.gateway.dialects import dialect
from services.gateway.dialects.credentials import (
    bearer,
    caller_by,
    from_another_site,
    principal_of,
    signed_claims,
)
from services.gateway.dialects.dialect import (
    Wrong,
    json_response,
    retry_after,
    status_of,
    what_was_wrong,
)
from services.gateway.dialects.ids import MalformedId
from services.gateway.problems import Responses
from services.permissions import Principal
from services.refusals import Forbidden, Invalid, NotFound, Refused, TooMany, Unauthenticated

AUDIENCE = "crm"
PATH = "/api/ai/agent"
_OWN = re.compile(rf"{PATH}(/|$)")
CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "VALIDATION_ERROR",
    422: "VALIDATION_ERROR",
}


class Failure(BaseModel):
    error: str
    code: str | None = None


class Coded(Refused):
    """A refusal by one of the CRM's own codes; without one it has `error` alone."""

    def __init__(self, status: int, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def owns(path: str) -> bool:
    return _OWN.match(path) is not None


def refusal(path: str, error: Wrong) -> Response:
    status = status_of(error)
    text, code = str(error), CODES.get(status, "INTERNAL_ERROR")
    match error:
        case Coded():
            status, code = error.status, error.code or ""
        case Unauthenticated():
            text = "Unauthorized"
        case MalformedId() | InvalidId() | NotFound(what="task"):
            status, text, code = 404, "Task not found", "NOT_FOUND"
        case RequestValidationError() | ValidationError():
            status, text = 400, what_was_wrong(error)
        case Invalid():
            status = 400
        case TooMany():
            seconds = max(1, round(error.retry_after_seconds))
            body = {"error": "Rate limit exceeded", "retryAfter": seconds}
            return json_response(body, 429, **retry_after(error))
        case HTTPException(status_code=404) if path == f"{PATH}//status":
            status, text, code = 400, "Missing taskId", "MISSING_ID"
        case HTTPException():
            text = str(error.detail)
        case _ if status == 500:
            text = failed_at(path)
    body = {"error": text, "code": code} if code else {"error": text}
    return json_response(body, status, **retry_after(error))


def failed_at(path: str) -> str:
    """What its own routes say when something broke that nobody expected."""
    if path.endswith("/status"):
        return "An error occurred fetching task status"
    return "An error occurred queuing the task" if path == PATH else "An error occurred"


async def caller(request: Request) -> Caller:
    """A session's cookie, a bearer token, or `x-api-key`."""
    desk = desk_of(request)
    settings = desk.settings.dialects.crm
    session, secret = request.cookies.get(settings.session_cookie), settings.session_secret
    credential = bearer(request) or request.headers.get("x-api-key")
    if credential is None and session is not None and secret is not None:
        if request.method not in READING and from_another_site(request):
            raise Forbidden("to act from another site's page")

        async def of_session() -> Principal:
            return principal_of(desk, signed_claims(session, secret, AUDIENCE))

        return await calling(desk, request, of_session)
    return await caller_by(desk, request, credential)


Called = Annotated[Caller, Depends(caller)]


def errors(*statuses: int) -> Responses:
    """For OpenAPI."""
    return {
        status: {"model": Failure, "description": "Refused"}
        for status in sorted({401, 403, 429, 503, *statuses})
    }


def described(*statuses: int, **more: Any) -> dict[str, Any]:
    return {"responses": errors(*statuses), **more}


router = dialect.router("crm", refusal)
once = dialect.once(refusal)
