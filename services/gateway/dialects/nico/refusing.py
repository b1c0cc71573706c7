"""NICo's errors, `{"source": "nico", "message", "data"}`."""

import re
from typing import Any, Literal

from fastapi import Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from services.gateway.dialects import dialect
from services.gateway.dialects.dialect import (
    Wrong,
    json_response,
    retry_after,
    status_of,
    what_was_wrong,
)
from services.gateway.dialects.ids import MalformedId
from services.gateway.problems import Responses
from services.refusals import Forbidden, Invalid, NotFound, Refused

_OWN = re.compile(r"/v2/org/[^/]+/nico(/|$)")
NO_ADMIN = "User does not have Provider Admin role with org"


class Failure(BaseModel):
    source: Literal["nico"] = "nico"
    message: str
    data: dict[str, Any] | None = None


class Said(Refused):
    """A refusal in NICo's own words."""

    def __init__(self, status: int, text: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.data = data


def owns(path: str) -> bool:
    return _OWN.match(path) is not None


def refusal(_path: str, error: Wrong) -> Response:
    status, text = status_of(error), str(error)
    data: dict[str, Any] | None = None
    match error:
        case Said():
            status, data = error.status, error.data
        case Forbidden():
            text = NO_ADMIN
        case NotFound(what="task"):
            text = "Task not found"
        case MalformedId():
            status, text = 400, "Invalid Task ID specified in URL"
        case RequestValidationError() | ValidationError():
            status, text = 400, f"Error validating request data: {what_was_wrong(error)}"
        case Invalid():
            status = 400
            text, data = "Error validating request data", {error.field: error.why}
        case HTTPException():
            text = str(error.detail)
        case _ if status == 500:
            text = "Internal error"
    document = {"source": "nico", "message": text, "data": data}
    return json_response(document, status, **retry_after(error))


def errors(*statuses: int) -> Responses:
    """For OpenAPI."""
    return {
        status: {"model": Failure, "description": "Refused"}
        for status in sorted({400, 401, 403, 429, 503, *statuses})
    }


def described(*statuses: int, **more: Any) -> dict[str, Any]:
    return {"responses": errors(*statuses), **more}


router = dialect.router("nico", refusal)
once = dialect.once(refusal)
