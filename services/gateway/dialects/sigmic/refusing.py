"""Sigmic's errors, `{"success": false, "error": {"message", "code"}}`, and who is asking."""

import re
from typing import Annotated, Any

import jwt
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from events.errors import InvalidId
from services.gateway.callers import Caller, authenticated, calling
from services.gateway.desk import Desk, desk_of
from services.gateway.dialects import dialect
from services.gateway.dialects.credentials import SIGNED_WITH, principal_of, signed_claims
from services.gateway.dialects.dialect import (
    Wrong,
    json_response,
    retry_after,
    status_of,
    what_was_wrong,
)
from services.gateway.dialects.ids import MalformedId
from services.gateway.jwt_tokens import looks_like_jwt
from services.gateway.problems import Responses
from services.permissions import Principal
from services.refusals import Invalid, NotFound, Refused, Unauthenticated

AUDIENCE = "sigmic"
_OWN = re.compile(r"/api/v1/(tasks|auth)(/|$)")


class Error(BaseModel):
    message: str
    code: str


class Failure(BaseModel):
    success: bool = False
    error: Error


class Coded(Refused):
    """A refusal by one of Sigmic's own codes."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


CODES = {
    400: "VALIDATION_ERROR",
    401: "INVALID_API_KEY",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "VALIDATION_ERROR",
    413: "VALIDATION_ERROR",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    503: "SERVICE_UNAVAILABLE",
}


def owns(path: str) -> bool:
    return _OWN.match(path) is not None


def refusal(_path: str, error: Wrong) -> Response:
    status = status_of(error)
    code = CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR")
    text = str(error)
    match error:
        case Coded():
            status, code = error.status, error.code
        case MalformedId() | InvalidId() | NotFound(what="task"):
            status, code, text = 404, "NOT_FOUND", "Task not found"
        case RequestValidationError() | ValidationError():
            status, text = 400, what_was_wrong(error)
        case Invalid():
            status = 400
        case HTTPException():
            text = str(error.detail)
        case _ if status == 500:
            text = "Internal server error"
    headers = retry_after(error)
    return json_response(Failure(error=Error(message=text, code=code)), status, **headers)


async def caller(request: Request) -> Caller:
    """A key of ours, as a bearer token or in `X-API-Key`, or a widget's token."""
    desk = desk_of(request)
    header = request.headers.get("authorization")
    if header is None:
        credential = request.headers.get("x-api-key")
        if not credential:
            raise Coded(401, "AUTH_REQUIRED", "Authentication required")
    else:
        scheme, _, credential = header.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Coded(401, "INVALID_AUTH_FORMAT", "Send 'Authorization: Bearer ...'")
    if looks_like_jwt(credential):
        return await calling(desk, request, lambda: of_token(desk, request, credential))
    try:
        return await calling(desk, request, lambda: authenticated(desk, credential))
    except Unauthenticated as error:
        raise Coded(401, "INVALID_API_KEY", "Invalid or expired API key") from error


async def of_token(desk: Desk, request: Request, token: str) -> Principal:
    """Of a widget's token, or of one of a configured issuer."""
    settings = desk.settings.dialects.sigmic
    try:
        if not is_ours(token):
            if not desk.tokens.enabled:
                raise Coded(501, "JWT_NOT_CONFIGURED", "No token issuer is configured here")
            return await desk.tokens.principal(token)
        if settings.token_secret is None:
            raise Coded(501, "JWT_NOT_CONFIGURED", "Set a token secret for widgets first")
        claims = signed_claims(token, settings.token_secret, AUDIENCE)
        widget = settings.widgets.get(str(claims.get("app")))
        if widget is None or widget.organization != claims["organization"]:
            raise Unauthenticated("its widget is no longer there")
        # Named after its widget: neither another widget's user nor a user of the organization.
        user = f"{claims['app']}:{claims['sub']}"
        principal = principal_of(desk, {**claims, "sub": user, "roles": list(widget.roles)})
    except Unauthenticated as error:
        raise Coded(401, "INVALID_TOKEN", "Invalid or expired token") from error
    origin = request.headers.get("origin")
    if widget.origins and origin not in widget.origins:
        raise Coded(403, "ORIGIN_NOT_ALLOWED", "This widget isn't used from here")
    return principal


def is_ours(token: str) -> bool:
    try:
        return jwt.get_unverified_header(token).get("alg") == SIGNED_WITH
    except jwt.PyJWTError as error:
        raise Unauthenticated("no token") from error


Called = Annotated[Caller, Depends(caller)]


def errors(*statuses: int) -> Responses:
    """For OpenAPI."""
    return {
        status: {"model": Failure, "description": "Refused"}
        for status in sorted({400, 401, 403, 429, 501, 503, *statuses})
    }


def described(*statuses: int, **more: Any) -> dict[str, Any]:
    return {"responses": errors(*statuses), **more}


router = dialect.router("sigmic", refusal)
