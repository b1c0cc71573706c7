"""Every error as an RFC 9457 problem document: one table, from what went wrong to HTTP.

A dialect has a table of its own. Nothing of a request's secrets gets into a problem.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from events.errors import (
    CountermandError,
    EventTooLarge,
    InvalidId,
    LogUnavailable,
    MalformedEvent,
    UnknownVersion,
)
from events.positions import written_position
from services.control_store.region_news import AnotherLog, ReadAnotherWay
from services.gateway.receipt_documents import receipt_document
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.questions import InvalidCursor
from services.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    StandsStill,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
TYPES = "urn:countermand:problem:"

log = structlog.get_logger(__name__)


class ProblemDocument(BaseModel):
    """RFC 9457; further members depend on the type."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


class Row(NamedTuple):
    """A line of the table."""

    status: int
    name: str
    title: str


TABLE: Mapping[type[Exception], Row] = {
    Unauthenticated: Row(401, "unauthenticated", "No valid credentials"),
    Forbidden: Row(403, "forbidden", "Not permitted"),
    NotFound: Row(404, "not-found", "Not found"),
    Conflict: Row(409, "conflict", "Not in this state"),
    TooLarge: Row(413, "too-large", "Too large"),
    EventTooLarge: Row(413, "too-large", "Too large"),
    Invalid: Row(422, "invalid", "Invalid request"),
    InvalidId: Row(422, "invalid", "Invalid request"),
    MalformedEvent: Row(422, "invalid", "Invalid request"),
    AnotherLog: Row(409, "another-log", "Not the log that was copied"),
    ReadAnotherWay: Row(409, "read-another-way", "Not the way that was copied"),
    UnknownVersion: Row(409, "unknown-version", "Needs an upgrade"),
    InvalidCursor: Row(422, "invalid", "Invalid request"),
    TooMany: Row(429, "too-many", "Too many"),
    Unavailable: Row(503, "unavailable", "Unavailable"),
    StandsStill: Row(503, "upgrade-needed", "Needs an upgrade"),
    LogUnavailable: Row(503, "unavailable", "Unavailable"),
    ReadModelsUnavailable: Row(503, "unavailable", "Unavailable"),
}

BAD_BODY = 400
"""What the framework says of a body that it can't even decode."""
TITLES = {row.status: row.title for row in TABLE.values()}


def problem(
    status: int, name: str, title: str, detail: str, headers: Mapping[str, str] = {}, **more: Any
) -> Response:
    document = {"type": TYPES + name, "title": title, "status": status, "detail": detail, **more}
    return Response(to_json(document), status, dict(headers), MEDIA_TYPE)


def problem_of(error: CountermandError) -> Response:
    """The problem document of an error of ours."""
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if row is None:
        log.error("unexpected error of ours", exc_info=error)
        return problem(500, "internal", "Internal error", "this is a bug; it has been logged")
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    match error:
        case Unauthenticated():
            headers["www-authenticate"] = 'Bearer realm="countermand"'
        case Forbidden():
            more["permission"] = error.permission
        case Conflict():
            more["reason"] = error.reason
            if error.receipt is not None:
                more["receipt"] = receipt_document(error.receipt).model_dump(mode="json")
        case Invalid():
            more["errors"] = [{"field": error.field, "why": error.why}]
        case TooMany() | Unavailable():
            if isinstance(error, StandsStill):
                more["position"] = written_position(error.position)
                more["event_type"] = error.why.type_tag
            headers["retry-after"] = str(max(1, round(error.retry_after_seconds)))
        case LogUnavailable():
            headers["retry-after"] = "1"
        case ReadModelsUnavailable():
            # Where they are is nobody's business outside.
            log.warning("the read models can't be reached", why=str(error))
            headers["retry-after"] = "1"
            error = Unavailable("the read models can't be reached: try again")
        case _:
            pass
    return problem(row.status, row.name, row.title, str(error), headers, **more)


def install(app: FastAPI) -> None:
    app.add_exception_handler(CountermandError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid_event)
    app.add_exception_handler(HTTPException, no_such_route)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CountermandError)
    return problem_of(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return invalid(error.errors())


def invalid(wrong: Sequence[Any], within: str = "") -> Response:
    """What was wrong where; never what was sent, which may be secret."""
    errors = [
        {
            "field": ".".join(str(part) for part in (*((within,) if within else ()), *loc)),
            "why": each["msg"],
        }
        for each, loc in meant(wrong)[:100]
    ]
    detail = "; ".join(f"{each['field']}: {each['why']}" for each in errors[:3])
    return problem(422, "invalid", "Invalid request", detail, errors=errors)


ONE, MANY = "TaskRequest", "BatchRequest"


def meant(wrong: Sequence[Any]) -> list[tuple[Any, tuple[Any, ...]]]:
    """Each error and where it is. A body that may be one task or many is wrong as either: what it
    lacks as many is only for those who sent `tasks`."""
    if not {ONE, MANY} <= {read_as(each["loc"]) for each in wrong}:
        return [(each, tuple(each["loc"])) for each in wrong]
    sent_tasks = any(tuple(each["loc"][-2:]) == (ONE, "tasks") for each in wrong)
    other = ONE if sent_tasks else MANY
    found = []
    for each in wrong:
        as_which = read_as(each["loc"])
        if as_which != other:
            loc = list(each["loc"])
            if as_which is not None:
                loc.remove(as_which)
            found.append((each, tuple(loc)))
    return found


def read_as(loc: Sequence[Any]) -> str | None:
    """Behind `body` at most; further on it is somebody's own word."""
    return next((part for part in loc[:2] if part in (ONE, MANY)), None)


def internal() -> Response:
    return problem(500, "internal", "Internal error", "this is a bug; it has been logged")


async def _invalid_event(_request: Request, error: Exception) -> Response:
    """What the request's own rules let through and an event's don't."""
    assert isinstance(error, ValidationError)
    return invalid(error.errors(include_url=False))


async def no_such_route(_request: Request, error: Exception) -> Response:
    """What the framework refuses by itself."""
    assert isinstance(error, HTTPException)
    if error.status_code == BAD_BODY:
        return problem_of(Invalid("body", "it isn't JSON in UTF-8"))
    name = {404: "no-such-route", 405: "wrong-method"}.get(error.status_code, "http")
    title = TITLES.get(error.status_code, "Not possible")
    return problem(error.status_code, name, title, str(error.detail), error.headers or {})


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", path=request.url.path, exc_info=error)
    return internal()


Responses: TypeAlias = dict[int | str, dict[str, Any]]


def responses(*statuses: int) -> Responses:
    """For OpenAPI: the problems that a route may answer, besides those that any may."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({401, 403, 422, 429, 503, *statuses})
    }
