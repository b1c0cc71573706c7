"""A service that ends with requests open says so once, and tells every caller."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.types import Message, Receive, Scope, Send

from services.gateway.dialects.mounting import refusal
from services.gateway.ending import Ending
from services.gateway.streaming import HANG_UP


class Caller:
    """One connection."""

    def __init__(self, path: str) -> None:
        self.told: list[MutableMapping[str, Any]] = []
        self._gone = asyncio.Event()
        self.scope: Scope = {"type": "http", "path": path, HANG_UP: self._gone.set}

    @property
    def hung_up(self) -> bool:
        return self._gone.is_set()

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.told.append(message)


async def ended(*callers: Caller) -> list[MutableMapping[str, Any]]:
    """What was logged when the service ended under these; streams are those of a `/stream`."""
    waiting = asyncio.Semaphore(0)

    async def waits(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/stream"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        waiting.release()
        await asyncio.Event().wait()

    ending = Ending(waits, refusal)
    with structlog.testing.capture_logs() as logged:
        open_ones = [
            asyncio.create_task(ending(each.scope, each.receive, each.send)) for each in callers
        ]
        for _ in callers:
            await waiting.acquire()
        for each in open_ones:
            each.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(*open_ones)
    return logged


async def test_whoever_waits_is_told_what_to_do_and_the_log_says_it_once() -> None:
    native, stream = Caller("/countermand/v1/tasks/a/cancel"), Caller("/countermand/v1/stream")
    dialect = Caller("/api/ai/agent/a")
    (line,) = await ended(native, stream, dialect)
    assert (line["log_level"], line["requests"]) == ("error", 3)
    head, body = native.told
    assert head["status"] == 503
    assert (b"retry-after", b"1") in head["headers"]
    assert "repeat it with the same Idempotency-Key" in json.loads(body["body"])["detail"]
    assert dialect.told[0]["status"] == 503
    assert set(json.loads(dialect.told[1]["body"])) != set(json.loads(body["body"]))


async def test_a_stream_is_cut_and_not_ended() -> None:
    stream = Caller("/countermand/v1/stream")
    await ended(stream)
    assert stream.hung_up
    assert [each["type"] for each in stream.told] == ["http.response.start"]


async def test_what_the_application_raises_is_no_end_of_the_service() -> None:
    async def fails(*_: Any) -> None:
        raise ValueError("a bug")

    caller = Caller("/countermand/v1/tasks")
    with structlog.testing.capture_logs() as logged:
        failed = asyncio.create_task(
            Ending(fails, refusal)(caller.scope, caller.receive, caller.send)
        )
        await asyncio.wait([failed])
    assert isinstance(failed.exception(), ValueError)
    assert (logged, caller.told) == ([], [])
