"""A run on a remote engine that is slow, or says what can't be: its executor stays well."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from events.words import Evidence
from services.executor.runtime import Stop, Stopped
from services.executor.runtimes.remote.calls import Caller
from services.executor.runtimes.remote.engine import Call, HttpEngine, Patience
from services.executor.runtimes.remote.run import HANDLE_LIMIT_CHARACTERS, RemoteRun
from tests.component.orders import an_order

QUICK = Patience(poll_seconds=0.01, poll_limit_seconds=0.05, request_seconds=60)
BOUND_SECONDS = 20


class Slow:
    """An engine that shows no run before it has been told to cancel it."""

    def __init__(self) -> None:
        self.port = 0
        self.ids = ['"the-run"']
        """What it answers to starts, one after the other, the last for ever."""
        self.looked_at, self.cancelled = asyncio.Event(), asyncio.Event()
        self.troubles: list[bytes] = []
        """What it answers first to whatever is said of the run, one after the other."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        except asyncio.IncompleteReadError:  # A look that was given up for a cancel.
            writer.close()
            return
        if path != b"/start" and self.troubles:
            writer.write(self.troubles.pop(0))
            writer.close()
            return
        match path:
            case b"/start":
                body = f'{{"id": {self.ids.pop(0) if len(self.ids) > 1 else self.ids[0]}}}'
            case b"/cancel/the-run":
                self.cancelled.set()
                body = "{}"
            case _:
                self.looked_at.set()
                await self.cancelled.wait()
                body = '{"status": "CANCELED"}'
        head = f"HTTP/1.1 200 x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write((head + body).encode())
        writer.close()

    def engine(self) -> HttpEngine:
        base = f"http://127.0.0.1:{self.port}"
        return HttpEngine(
            start=Call(url=f"{base}/start"),
            status=Call(method="GET", url=f"{base}/look/${{handle}}"),
            words={"CANCELED": "cancelled"},
            cancel=Call(url=f"{base}/cancel/${{handle}}"),
            patience=QUICK,
        )


class Heard:
    """What the run says of itself."""

    def __init__(self) -> None:
        self.handles: asyncio.Queue[Any] = asyncio.Queue()

    def attached(self, handle: Any) -> None:
        self.handles.put_nowait(handle)


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    slow = Slow()
    server = await asyncio.start_server(slow.serve, "127.0.0.1", 0)
    slow.port = server.sockets[0].getsockname()[1]
    async with server:
        yield slow


async def test_a_cancel_does_not_wait_for_a_look_that_takes_long(slow: Slow) -> None:
    caller = Caller([f"127.0.0.1:{slow.port}"])
    run = RemoteRun(an_order("remote", Heard()), slow.engine(), caller)
    async with asyncio.timeout(BOUND_SECONDS):
        await slow.looked_at.wait()
        run.ask(Stop("request"))
        assert await run.ended == Stopped(Evidence.REMOTE_ACKNOWLEDGED)
    await caller.close()


TROUBLES = {
    "it has forgotten the run": b"HTTP/1.1 404 x\r\ncontent-length: 2\r\n\r\n{}",
    "the key is being renewed": b"HTTP/1.1 401 x\r\ncontent-length: 2\r\n\r\n{}",
    "it is elsewhere": b"HTTP/1.1 302 x\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
    "it is busy": b"HTTP/1.1 503 x\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
    "it breaks off": b"HTTP/1.1 200 x\r\ncontent-length: 90\r\n\r\n" + b'{"status": "CANCELED"',
    "it says nothing": b"",
    "it is another server": b"SSH-2.0-OpenSSH\r\n",
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_nothing_but_the_engines_own_word_ends_a_cancelled_run(
    slow: Slow, trouble: str
) -> None:
    slow.troubles = [TROUBLES[trouble]] * 8
    caller, heard = Caller([f"127.0.0.1:{slow.port}"]), Heard()
    run = RemoteRun(an_order("remote", heard), slow.engine(), caller)
    async with asyncio.timeout(BOUND_SECONDS):
        await heard.handles.get()
        run.ask(Stop("request"))
        assert await run.ended == Stopped(Evidence.REMOTE_ACKNOWLEDGED)
    assert slow.troubles == []
    assert slow.cancelled.is_set()
    await caller.close()


async def test_a_cancel_that_was_taken_and_forgotten_is_sent_again_when_forced(
    slow: Slow,
) -> None:
    caller = Caller([f"127.0.0.1:{slow.port}"])
    run = RemoteRun(an_order("remote", Heard()), slow.engine(), caller)
    async with asyncio.timeout(BOUND_SECONDS):
        await slow.looked_at.wait()
        slow.looked_at.clear()
        slow.troubles = [b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\n{}"]
        run.ask(Stop("request"))
        await slow.looked_at.wait()
        assert not slow.cancelled.is_set()
        run.force(Stop("request", forced=True))
        assert await run.ended == Stopped(Evidence.REMOTE_ACKNOWLEDGED)
    await caller.close()


@pytest.mark.parametrize(
    "wrong",
    ['""', "null", "true", "[]", '"' + "x" * (HANDLE_LIMIT_CHARACTERS + 1) + '"', "9" * 9999],
)
async def test_an_id_that_is_none_is_asked_for_again(slow: Slow, wrong: str) -> None:
    slow.ids = [wrong, '"the-run"']
    caller, heard = Caller([f"127.0.0.1:{slow.port}"]), Heard()
    run = RemoteRun(an_order("remote", heard), slow.engine(), caller)
    async with asyncio.timeout(BOUND_SECONDS):
        assert await heard.handles.get() == {"id": "the-run"}
        run.ask(Stop("request"))
        assert await run.ended == Stopped(Evidence.REMOTE_ACKNOWLEDGED)
    await caller.close()
