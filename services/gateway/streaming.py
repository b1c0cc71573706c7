"""Server-Sent Events, written frame by frame. A reader that doesn't take a frame in time is
dropped; nobody ever waits for one. So is one whose credential is no longer good, and one whose
answer can't be gone on with: that it was cut is seen, an end would be believed."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

from events.errors import LogUnavailable
from services.permissions import Principal
from services.read_models.errors import ReadModelsUnavailable
from services.refusals import Refused, TooMany, Unavailable

HANG_UP = "countermand.hang_up"
"""In the scope of every request: cuts its connection, without waiting for what isn't sent yet."""
HEARTBEAT = b": still here\n\n"
AWAY = (LogUnavailable, ReadModelsUnavailable, Unavailable)

log = structlog.get_logger(__name__)


def frame(event: str, id: str, data: bytes) -> bytes:
    """One event. The data is JSON, which has no line breaks."""
    return b"".join(
        (b"event: ", event.encode(), b"\nid: ", id.encode(), b"\ndata: ", data, b"\n\n")
    )


@dataclass(frozen=True, slots=True)
class Reader:
    """For how long somebody is read to."""

    send_seconds: float
    """So long they may take for one piece."""
    proof: Callable[[], Awaitable[object]]
    """Refuses once their credential is no longer good."""
    proof_seconds: float
    """So often that is asked."""
    given_back: Callable[[], None]
    """To be called when they are gone."""


class Streamed(Response):
    """Sends pieces as they come, until they end or the reader is gone, refused or too slow."""

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        reader: Reader,
        media_type: str,
        headers: Mapping[str, str],
        opening: bytes = b"",
    ) -> None:
        super().__init__(headers=dict(headers), media_type=media_type)
        del self.headers["content-length"]
        self._frames = frames
        self._reader = reader
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"status": self.status_code, "headers": self.raw_headers}
        try:
            await send({"type": "http.response.start", **head})
            await send({"type": "http.response.body", "body": self._opening, "more_body": True})
            async with asyncio.TaskGroup() as group:
                gone = group.create_task(_until_gone(receive))
                refused = group.create_task(self._until_refused(scope[HANG_UP]))
                await self._send_all(send, scope[HANG_UP])
                gone.cancel()
                refused.cancel()
        except* _Gone:
            pass
        finally:
            self._reader.given_back()

    async def _until_refused(self, hang_up: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(self._reader.proof_seconds)
            try:
                await self._reader.proof()
            except Unavailable:  # nobody has said that it isn't good
                continue
            except Refused:
                hang_up()
                raise _Gone from None

    async def _send_all(self, send: Send, hang_up: Callable[[], None]) -> None:
        try:
            async with aclosing(self._frames) as frames:
                async for each in frames:
                    await self._send(each, send, hang_up)
        except AWAY as error:
            log.warning("an answer was cut off", why=str(error))
            hang_up()
            raise _Gone from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, piece: bytes, send: Send, hang_up: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(self._reader.send_seconds):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            hang_up()
            raise _Gone from None


class EventStream(Streamed):
    """Of frames."""

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        reader: Reader,
        opening: bytes = HEARTBEAT,
    ) -> None:
        """`opening` is sent at once, so that a reader knows that it is heard."""
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(frames, reader, "text/event-stream", headers, opening)


class _Gone(Exception):
    """The reader went away, is too slow, or nobody any more."""


async def _until_gone(receive: Receive) -> None:
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone


class OpenStreams:
    """How many streams each principal has open."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[tuple[str, str, str]] = Counter()

    def taken(self, principal: Principal) -> Callable[[], None]:
        """Take a slot; what is returned gives it back."""
        name = (principal.organization, principal.kind, principal.id)
        if self._open[name] >= self._limit:
            raise TooMany("open streams", 5.0)
        self._open[name] += 1

        def give_back() -> None:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

        return give_back
