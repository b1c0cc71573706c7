"""Who is asking, and within which limits: a dependency that every route has.

The principal comes from the credentials and from nowhere else, and with it the scope: there is no
other way from a route to an operation.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple

from fastapi import Depends, Header, Request, Response, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from events.positions import BEGINNING, read_frontier
from services.gateway.desk import Desk, desk_of
from services.gateway.jwt_tokens import looks_like_jwt
from services.operations.scope import Scope, scope_of
from services.permissions import Principal
from services.refusals import Invalid, Unauthenticated

CREDENTIAL_LIMIT_CHARACTERS = 8_192
READING = frozenset({"GET", "HEAD"})
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

bearer = HTTPBearer(auto_error=False, description="An API key, or a JWT of a configured issuer.")
key_header = APIKeyHeader(name="x-api-key", auto_error=False)


class Caller(NamedTuple):
    """A request's principal and scope."""

    desk: Desk
    scope: Scope
    request: Request

    async def once(self, work: Callable[[], Awaitable[Response]]) -> Response:
        """The answer of `work`, or the first one under this request's Idempotency-Key."""
        key = self.scope.idempotency_key
        if key is None:
            return await work()
        request = self.request
        fingerprint = b"\n".join(
            (
                request.method.encode(),
                request.url.path.encode(),
                request.url.query.encode(),
                await request.body(),
            )
        )
        return await self.desk.once.answer(self.scope.principal, key, fingerprint, work)


async def authenticated(desk: Desk, credential: str | None) -> Principal:
    """The principal that this credential proves."""
    if not credential:
        raise Unauthenticated("send an API key: 'Authorization: Bearer ...' or 'x-api-key: ...'")
    if len(credential) > CREDENTIAL_LIMIT_CHARACTERS:
        raise Unauthenticated("this is no API key")
    if looks_like_jwt(credential):
        return await desk.tokens.principal(credential)
    principal = await desk.keys.principal(credential)
    if principal is None:
        raise Unauthenticated("this API key is unknown, expired or revoked")
    return principal


async def caller(
    request: Request,
    authorization: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    api_key: Annotated[str | None, Security(key_header)],
) -> Caller:
    desk = desk_of(request)
    credential = authorization.credentials if authorization is not None else api_key
    principal = await authenticated(desk, credential)
    headers = request.headers
    if request.method in READING:
        desk.reads.take_or_refuse(principal, "reads")
        idempotency_key = None
    else:
        desk.writes.take_or_refuse(principal, "writes")
        idempotency_key = headers.get("idempotency-key")
    told = headers.get("countermand-after")
    traceparent = headers.get("traceparent")
    if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
        traceparent = None
    try:
        frontier = BEGINNING if told is None else read_frontier(told)
    except ValueError as error:
        raise Invalid("Countermand-After", str(error)) from error
    scope = scope_of(
        desk.parts,
        principal,
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        told=frontier,
    )
    return Caller(desk, scope, request)


def idempotent(
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            description="The same key gives the first answer; another body under it is refused.",
        ),
    ] = None,
) -> None:
    """For the description alone: `caller` reads it."""


def preferred_wait(
    request: Request,
    prefer: Annotated[
        str | None,
        Header(description="`wait=N` seconds for the stop, or `respond-async`.", max_length=200),
    ] = None,
) -> float:
    """For how long the answer may wait."""
    settings = desk_of(request).settings.gateway
    if prefer is None:
        return settings.wait_default_seconds
    for part in prefer.replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "respond-async":
            return 0.0
        if name.lower() == "wait":
            value = value.strip('" ')
            if not value.isascii() or not value.isdigit():
                raise Invalid("Prefer", "wait takes a number of seconds, e.g. wait=5")
            return min(float(value), settings.wait_limit_seconds)
    return settings.wait_default_seconds


Called = Annotated[Caller, Depends(caller)]
Waiting = Annotated[float, Depends(preferred_wait)]
