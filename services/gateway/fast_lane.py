"""The requests that callers wait for, straight from ASGI to the same functions.

Submit, cancel and get of one task, and the parcels of bridges, skip the framework's matching
and solving, which costs as much as a durable append. The documented routes are FastAPI's; what
isn't plain (another content type, an unusual query) goes there, and so does everything else.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import structlog
from fastapi import Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events.errors import CountermandError
from services.gateway import problems
from services.gateway.callers import Caller, caller_of
from services.gateway.desk import Desk
from services.gateway.routes.cancels import cancel
from services.gateway.routes.regions import take
from services.gateway.routes.tasks import BatchRequest, get_task, submit
from services.operations.requests import CancelRequest, TaskRequest
from services.regions.parcels import opened

MANY_BEGIN = re.compile(rb'\s*{\s*"tasks"')
LARGE_BYTES = 32_768
"""A request of many tasks, or a parcel of many lines, most likely."""

T = TypeVar("T")
Answer = Callable[[], Awaitable[Response]]

ONE: TypeAdapter[TaskRequest] = TypeAdapter(TaskRequest)
MANY: TypeAdapter[BatchRequest] = TypeAdapter(BatchRequest)
SUBMISSION: TypeAdapter[TaskRequest | BatchRequest] = TypeAdapter(TaskRequest | BatchRequest)
CANCEL: TypeAdapter[CancelRequest | None] = TypeAdapter(CancelRequest | None)

log = structlog.get_logger(__name__)


class Body:
    """A request's body, for whoever asks first and whoever asks again: the framework's own way to
    it costs ten times as much where it comes in one piece."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._raw: bytes | None = None

    async def read(self) -> bytes:
        """All of it."""
        if self._raw is None:
            parts: list[bytes] = []
            more = True
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._raw = b"".join(parts)
        return self._raw

    async def __call__(self) -> Message:
        """For the framework."""
        return {"type": "http.request", "body": await self.read(), "more_body": False}


class FastLane:
    """In front of the application."""

    def __init__(self, app: ASGIApp, desk: Desk, prefix: str) -> None:
        self._app = app
        self._desk = desk
        self._tasks = f"{prefix}/tasks"
        self._parcels = f"{prefix}/regions/parcels"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope, receive) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        try:
            response = await answer()
        except CountermandError as error:
            response = problems.problem_of(error)
        except ValidationError as error:
            response = problems.invalid(error.errors(include_url=False), "body")
        except ClientDisconnect:
            return
        except Exception as error:
            log.error("unexpected error", path=scope["path"], exc_info=error)
            response = problems.internal()
        await response(scope, receive, send)

    def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        path: str = scope["path"]
        method = scope["method"]
        if path == self._parcels and method == "POST" and is_json(scope):
            return lambda: self._take(scope, Body(receive))
        if scope["query_string"] or not path.startswith(self._tasks):
            return None
        rest = path[len(self._tasks) :]
        if method == "POST":
            if rest == "" and is_json(scope):
                return lambda: self._submit(scope, Body(receive))
            is_cancel = rest.endswith("/cancel") and rest[0] == "/" and rest.count("/") == 2
            if is_cancel and (is_json(scope) or not has_body(scope)):
                return lambda: self._cancel(scope, Body(receive), rest[1:-7])
        elif method == "GET" and len(rest) > 1 and rest.count("/") == 1:
            return lambda: self._get(Request(scope, receive), rest[1:])
        return None

    async def _take(self, scope: Scope, body: Body) -> Response:
        caller = await caller_of(self._desk, Request(scope, body))
        with self._accepting(caller):
            return await take(caller, opened(await body.read()))

    async def _submit(self, scope: Scope, body: Body) -> Response:
        caller = await caller_of(self._desk, Request(scope, body))
        with self._accepting(caller):
            return await submit(caller, submission_in(await body.read()))

    def _accepting(self, caller: Caller) -> AbstractContextManager[None]:
        """Many at once are accepted before what nobody waits for is done."""
        announced = caller.headers.get("content-length", "")
        large = announced.isdigit() and int(announced) >= LARGE_BYTES
        return self._desk.right_of_way.taken() if large else nullcontext()

    async def _cancel(self, scope: Scope, body: Body, task_id: str) -> Response:
        caller = await caller_of(self._desk, Request(scope, body))
        raw = await body.read()
        return await cancel(caller, task_id, CANCEL.validate_json(raw) if raw else None)

    async def _get(self, request: Request, task_id: str) -> Response:
        return await get_task(await caller_of(self._desk, request), task_id)


def submission_in(raw: bytes) -> TaskRequest | BatchRequest:
    """What the body looks like is tried alone; nothing is both, and errors speak of both.

    To find out that a thousand tasks aren't one takes a fifth of validating them.
    """
    looks_like: TypeAdapter[TaskRequest] | TypeAdapter[BatchRequest]
    looks_like = MANY if MANY_BEGIN.match(raw) else ONE
    try:
        return looks_like.validate_json(raw)
    except ValidationError:
        return SUBMISSION.validate_json(raw)


def is_json(scope: Scope) -> bool:
    return any(
        name == b"content-type" and value == b"application/json" for name, value in scope["headers"]
    )


def has_body(scope: Scope) -> bool:
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )
