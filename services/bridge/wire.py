"""Connections to a region's gateways: a kept one, over which parcels are posted one after the
other, and one for each stream of them.

A general client spends more time on a call than the gateway on its answer; this one knows just
these two requests, and whoever repeats them does no harm.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

import httptools

ANSWER_LIMIT_BYTES = 1_000_000


class Answer(NamedTuple):
    status: int
    body: bytes


class NotOk(Exception):
    """Instead of a stream a gateway has answered something else."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class BrokenWire(ConnectionError):
    """Whether the request was heard isn't known."""


class Wire:
    """To one address. Not for two calls at once."""

    def __init__(
        self, url: str, headers: Mapping[str, str], trust: ssl.SSLContext, call_seconds: float
    ) -> None:
        self._address = urlsplit(url)
        self._trust = trust if self._address.scheme == "https" else None
        self._call_seconds = call_seconds
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._end: _End | None = None
        self._turn = asyncio.Lock()

    async def post(self, path: str, body: bytes) -> Answer:
        """Raises `OSError` or `TimeoutError`."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self._address.netloc}\r\n{self._headers}"
            f"content-length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        async with self._turn, asyncio.timeout(self._call_seconds):
            kept, self._end = self._end, None
            if kept is not None and not kept.is_closed:
                try:
                    return await self._ask(kept, request)
                except BrokenWire:
                    # It may have been closed for having been idle while this was on its way.
                    pass
            return await self._ask(await connected(self._address, self._trust), request)

    def close(self) -> None:
        if self._end is not None:
            self._end.close()

    async def pieces(self, path: str, silence_seconds: float) -> AsyncGenerator[bytes, None]:
        """Of an answer, as they come; ends with it. Raises `NotOk`, `OSError` or `TimeoutError`:
        also when nothing comes for so long."""
        request = f"GET {path} HTTP/1.1\r\nhost: {self._address.netloc}\r\n{self._headers}\r\n"
        async with asyncio.timeout(self._call_seconds):
            end = await connected(self._address, self._trust)
        try:
            end.begin(request.encode())
            while True:
                async with asyncio.timeout(silence_seconds):
                    piece, is_last = await end.piece()
                if piece:
                    yield piece
                if is_last:
                    return
        finally:
            end.close()

    async def _ask(self, end: "_End", request: bytes) -> Answer:
        try:
            answer = await end.ask(request)
        except BaseException:
            end.close()
            raise
        if end.may_be_kept:
            self._end = end
        else:
            end.close()
        return answer


async def connected(address: SplitResult, trust: ssl.SSLContext | None) -> "_End":
    host, port = address.hostname or "", address.port or (443 if trust else 80)
    _, end = await asyncio.get_running_loop().create_connection(_End, host, port, ssl=trust)
    return end


class _End(asyncio.Protocol):
    """This end of a connection. `httptools` calls what begins with `on_`."""

    def __init__(self) -> None:
        self.is_closed = False
        self.may_be_kept = False
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._size_bytes = 0
        self._answer: asyncio.Future[Answer] | None = None
        self._is_streamed = False
        self._heard = asyncio.Event()

    async def ask(self, request: bytes) -> Answer:
        """The whole answer."""
        self._write(request)
        assert self._answer is not None
        return await self._answer

    def begin(self, request: bytes) -> None:
        """Its answer comes in pieces."""
        self._is_streamed = True
        self._write(request)

    async def piece(self) -> tuple[bytes, bool]:
        """What has come since the last one, and whether it was all."""
        assert self._answer is not None
        assert self._transport is not None
        await self._heard.wait()
        self._heard.clear()
        is_last = self._answer.done()
        if is_last:
            answer = self._answer.result()
            if answer.status != HTTPStatus.OK:
                raise NotOk(answer)
        elif self._parser.get_status_code() != HTTPStatus.OK:
            return b"", False
        piece = b"".join(self._body)
        self._body, self._size_bytes = [], 0
        self._transport.resume_reading()
        return piece, is_last

    def _write(self, request: bytes) -> None:
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)
        self._body, self._size_bytes = [], 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)

    def close(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break(f"what came is no answer: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._break(str(error or "the connection was closed"))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._size_bytes += len(body)
        self._heard.set()
        if self._size_bytes <= ANSWER_LIMIT_BYTES:
            return
        if self._is_streamed and self._transport is not None:
            self._transport.pause_reading()
        else:
            self._break(f"the answer has more than {ANSWER_LIMIT_BYTES} bytes")

    def on_message_complete(self) -> None:
        self.may_be_kept = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), b"".join(self._body)))
            self._heard.set()

    def _break(self, why: str) -> None:
        self.is_closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenWire(why))
            self._answer.exception()  # Perhaps nobody waits for it any more.
            self._heard.set()
