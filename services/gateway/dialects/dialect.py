"""What makes a dialect: its routes, the paths that are its own, and its way to refuse."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from events.errors import CountermandError
from services.gateway.callers import Caller
from services.gateway.problems import TABLE
from services.refusals import TooMany, Unavailable

P = ParamSpec("P")

Wrong: TypeAlias = (
    CountermandError | RequestValidationError | ValidationError | HTTPException | Exception
)
Refusal: TypeAlias = Callable[[str, Wrong], Response]
"""From a path and what went wrong there to the dialect's own answer."""

EXPECTED = (CountermandError, RequestValidationError, ValidationError, HTTPException)
"""Anything else is a bug: it is logged, and answered all the same."""

log = structlog.get_logger(__name__)


class Dialect(NamedTuple):
    """One of them."""

    name: str
    router: APIRouter
    owns: Callable[[str], bool]
    """Whether a path is in this dialect's space; also one where it has no route."""
    refusal: Refusal
    security: dict[str, Any]
    """Its OpenAPI security schemes, by name."""


def router(name: str, refusal: Refusal) -> APIRouter:
    """A router whose routes answer every error in the dialect's own words."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                try:
                    return await handle(request)
                except ClientDisconnect:
                    raise
                except EXPECTED as error:
                    return refusal(request.url.path, error)
                except Exception as error:
                    log.error("unexpected error", path=request.url.path, exc_info=error)
                    return refusal(request.url.path, error)

            return handled

    # The systems' own frameworks take JSON from clients that don't say that it is JSON.
    return APIRouter(tags=[name], route_class=Route, strict_content_type=False)


def once(
    refusal: Refusal,
) -> Callable[[Callable[P, Awaitable[Response]]], Callable[P, Awaitable[Response]]]:
    """For what makes or moves something: the same `Idempotency-Key` gives the first answer, and
    another body under it is refused, in the dialect's own words."""

    def under_its_key(handle: Callable[P, Awaitable[Response]]) -> Callable[P, Awaitable[Response]]:
        @wraps(handle)
        async def answered(*args: P.args, **given: P.kwargs) -> Response:
            caller = given["caller"]
            assert isinstance(caller, Caller)
            return await the_first(caller, refusal, lambda: handle(*args, **given))

        return answered

    return under_its_key


async def the_first(
    caller: Caller,
    refusal: Refusal,
    work: Callable[[], Awaitable[Response]],
    asked: bytes | None = None,
) -> Response:
    """The answer of `work`, or the first one under the request's key; see `Caller.once`."""
    path = caller.request.url.path
    return await caller.once(work, asked, lambda conflict: refusal(path, conflict))


def status_of(error: Wrong) -> int:
    """The HTTP status that the native API would answer; a dialect says where it differs."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError | ValidationError):
        return 422
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    return 500 if row is None else row.status


def retry_after(error: Wrong) -> dict[str, str]:
    """When to try again, as a header."""
    if isinstance(error, TooMany | Unavailable):
        return {"retry-after": str(max(1, round(error.retry_after_seconds)))}
    return {}


def rate_limits(error: Wrong) -> dict[str, str]:
    """The same, and what may be asked how often, as some of the systems say it."""
    headers = retry_after(error)
    if isinstance(error, TooMany) and error.limit is not None:
        headers |= {
            "x-ratelimit-limit": str(error.limit),
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": headers["retry-after"],
        }
    return headers


def json_response(document: Any, status: int = 200, **headers: str) -> Response:
    return Response(to_json(document), status, headers, "application/json")


def what_was_wrong(error: RequestValidationError | ValidationError) -> str:
    """Where and why in one line; never what was sent, which may be secret."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
