"""What a dialect's creator has run: any handler, process or remote engine, as the settings say."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from events.body import JsonObject
from events.errors import InvalidId
from events.ids import check_id
from events.words import Reason, Verdict
from services.gateway.callers import Caller
from services.gateway.dialects.settings import Target
from services.operations import submitting
from services.operations.requests import TaskRequest
from services.operations.scope import Undecided
from services.read_models.rows import Task
from services.refusals import Conflict, Invalid, Unavailable
from services.templates import MissingValue, filled

LABEL_LIMIT_CHARACTERS = 1000
DESCRIPTION_LIMIT_CHARACTERS = 10_000
REQUEST = TypeAdapter(JsonObject, config=ConfigDict(allow_inf_nan=False))
"""What JSON can say: refused also where the target makes nothing of it."""


def wanted(
    caller: Caller,
    target: Target,
    request: Mapping[str, JsonValue],
    labels: Mapping[str, str],
    *,
    description: str = "",
    id: str | None = None,
    region: str | None = None,
    secrets: Mapping[str, str] = {},
    part: str | None = None,
) -> TaskRequest:
    """What the target makes of a request. `part`: which of several tasks of one request this is,
    so that each has an id of its own also when the request is repeated."""
    if id is None and part is not None:
        id = caller.scope.new_subject_id("part", part)
    with told_plainly():
        return TaskRequest(
            kind=target.kind,
            id=None if id is None else check_id(id),
            payload=payload_of(target, request),
            secrets=dict(secrets),
            description=description[:DESCRIPTION_LIMIT_CHARACTERS],
            labels=short(labels),
            requires=target.requires,
            region=region or target.region,
            grace_seconds=target.grace_seconds,
            max_attempts=target.max_attempts,
            isolation=target.isolation,
        )


async def create(caller: Caller, task: TaskRequest) -> Task:
    """Submit it; the task as it then is."""
    submitted = await submitting.submit(caller.scope, task)
    if isinstance(submitted, Undecided):
        raise undecided(submitted.id)
    return submitted


async def create_all(caller: Caller, tasks: Sequence[TaskRequest]) -> list[str]:
    """Submit them in one append, so that none is left out; their ids."""
    submitted = await submitting.submit_many(caller.scope, tasks)
    for each in submitted:
        if each.verdict is None:
            raise undecided(each.id)
        if each.verdict is Verdict.VOID and each.reason is not Reason.DUPLICATE:
            raise Conflict(each.reason or "void", f"{each.id!r} can't be made: {each.reason}")
    return [each.id for each in submitted]


def undecided(id: str) -> Unavailable:
    return Unavailable(f"{id!r} is durable, but not decided yet: look for it in a list")


@contextmanager
def told_plainly() -> Iterator[None]:
    """What the core refuses of a request was the client's own: its fields have other names there,
    so only the reason is told."""
    try:
        yield
    except InvalidId as error:
        raise Invalid("id", error.why) from error
    except ValidationError as error:
        raise Invalid("body", error.errors()[0]["msg"]) from error


def payload_of(target: Target, request: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The request itself, unless the settings say what is to be made of it."""
    REQUEST.validate_python(request)
    if target.payload is None:
        return dict(request)
    try:
        payload: dict[str, Any] = filled(target.payload, {"request": request})
    except MissingValue as error:
        path = error.path.removeprefix("request.")
        raise Invalid(path, f"{target.kind!r} needs it") from error
    return payload


def short(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels that an event takes; what is longer is in the payload only."""
    return {name: value for name, value in labels.items() if len(value) <= LABEL_LIMIT_CHARACTERS}
