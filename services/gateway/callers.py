"""Who is asking, and within which limits: a dependency that every route has.

The principal comes from the credentials and from nowhere else, and with it the scope: there is no
other way from a route to an operation.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request, Response

from events.positions import BEGINNING, read_frontier
from services.gateway.desk import Desk, desk_of
from services.gateway.jwt_tokens import looks_like_jwt
from services.gateway.problems import problem_of
from services.gateway.streaming import Reader
from services.operations.scope import Scope, scope_of
from services.permissions import Principal
from services.refusals import Conflict, Invalid, NotInThisRegion, Unauthenticated

CREDENTIAL_LIMIT_CHARACTERS = 8_192
READING = frozenset({"GET", "HEAD"})
PROOFS_APART_SECONDS = 0.1
"""At least, between two looks at the credential of somebody who reads a stream."""
_HEADERS = "countermand.headers"
FRONTIER_PATTERN = r"^\d{1,3}:\d{1,15}(,\d{1,3}:\d{1,15})*$"
"""For OpenAPI: so it is written."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


Proof = Callable[[], Awaitable[Principal]]
"""Proves a caller's credential once more: for answers that last longer than it may."""


class Caller(NamedTuple):
    """A request's principal and scope."""

    desk: Desk
    scope: Scope
    request: Request
    headers: Mapping[str, str]
    proof: Proof

    async def once(
        self,
        work: Callable[[], Awaitable[Response]],
        asked: bytes | None = None,
        said: Callable[[Conflict], Response] = problem_of,
    ) -> Response:
        """The answer of `work`, or the first one under this request's Idempotency-Key.

        `asked` is what must be the same under it, where that isn't the body's bytes; `said` is how
        a conflict is answered here."""
        key = self.scope.idempotency_key
        if key is None:
            return await work()
        request = self.request
        fingerprint = b"\n".join(
            (
                request.method.encode(),
                request.url.path.encode(),
                request.url.query.encode(),
                await request.body() if asked is None else asked,
            )
        )
        return await self.desk.once.answer(self.scope.principal, key, fingerprint, work, said)


def reader(caller: Caller) -> Reader:
    """This caller, as the reader of a stream; takes one of their slots."""
    limits = caller.desk.settings.gateway
    return Reader(
        send_seconds=limits.stream_send_seconds,
        proof=caller.proof,
        proof_seconds=max(limits.key_age_limit_seconds, PROOFS_APART_SECONDS),
        given_back=caller.desk.streams.taken(caller.scope.principal),
    )


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


async def caller(request: Request) -> Caller:
    """The only dependency that a route has: each costs time on the way of every cancel."""
    return await caller_of(desk_of(request), request)


async def caller_of(desk: Desk, request: Request) -> Caller:
    headers = headers_of(request)
    credential = headers.get("authorization")
    if credential is None:
        credential = headers.get("x-api-key")
    elif credential[:7].lower() == "bearer ":
        credential = credential[7:].strip()
    else:
        raise Unauthenticated("send 'Authorization: Bearer ...' or 'x-api-key: ...'")
    return await calling(desk, request, lambda: authenticated(desk, credential))


async def calling(desk: Desk, request: Request, proof: Proof) -> Caller:
    """The caller that a request comes from, as its credential proves, within their limits."""
    principal = await proof()
    region = desk.settings.region
    if not desk.settings.regions.may_use(principal.organization, region):
        raise NotInThisRegion(region)
    headers = headers_of(request)
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
    return Caller(desk, scope, request, headers, proof)


def headers_of(request: Request) -> Mapping[str, str]:
    """By name, in lower case; of several of one name the first. Decoded once: looking each up in
    the framework's list costs more than all of them here."""
    known: dict[str, str] | None = request.scope.get(_HEADERS)
    if known is None:
        raw = reversed(request.scope["headers"])
        known = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
        request.scope[_HEADERS] = known
    return known


def preferred_wait(caller: Caller) -> float:
    """For how long the answer may wait: `Prefer: wait=N`, or `respond-async`."""
    settings = caller.desk.settings.gateway
    prefer = caller.headers.get("prefer")
    if prefer is None:
        return settings.wait_default_seconds
    for part in prefer.replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "respond-async":
            return 0.0
        if name.lower() == "wait":
            value = value.strip('" ')
            if not (value.isascii() and value.isdigit() and len(value) < 10):
                raise Invalid("Prefer", "wait takes a number of seconds, e.g. wait=5")
            return min(float(value), settings.wait_limit_seconds)
    return settings.wait_default_seconds


def described_header(name: str, description: str) -> dict[str, Any]:
    """For OpenAPI: a header that `caller` reads itself."""
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return {"name": name, "in": "header", "description": description, "schema": schema}


_KEY = described_header(
    "Idempotency-Key", "The same key gives the first answer; another body under it is refused."
)
_PREFER = described_header(
    "Prefer", "`wait=N`: wait N seconds, at most, for the stop; or `respond-async`."
)
_PREFER["schema"] = {"type": "string", "pattern": r"^(wait=\d{1,5}|respond-async)$"}
AFTER = described_header(
    "Countermand-After", "A frontier: this read waits, bounded, until it shows what is before it."
)
AFTER["schema"] = {"type": "string", "pattern": FRONTIER_PATTERN, "maxLength": 2000}
IDEMPOTENT: dict[str, Any] = {"parameters": [_KEY]}
CANCELLING: dict[str, Any] = {"parameters": [_KEY, _PREFER]}

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a JWT of a configured issuer.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}

Called = Annotated[Caller, Depends(caller)]
