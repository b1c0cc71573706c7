"""The channel to a host: lines of JSON over a socket which authors' code can reach, too."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any


class HostChannel(asyncio.Protocol):
    """The executor's end."""

    def __init__(
        self,
        ours: socket.socket,
        *,
        received: Callable[[dict[str, Any]], None],
        spoiled: Callable[[], None],
        ended: Callable[[], object],
        line_limit_bytes: int,
    ) -> None:
        """`spoiled` is called when what comes is nothing that a host says."""
        self._socket = ours
        self._received = received
        self._spoiled = spoiled
        self._ended = ended
        self._line_limit_bytes = line_limit_bytes
        self._partial = b""
        self._transport: asyncio.WriteTransport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, sock=self._socket)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def send(self, words: dict[str, Any]) -> None:
        """Written at once where there is room: an event loop may put writing off to its end."""
        if self._transport is None or self._transport.is_closing():
            return
        line = json.dumps(words).encode() + b"\n"
        sent = 0
        if self._transport.get_write_buffer_size() == 0:
            with contextlib.suppress(OSError):
                sent = self._socket.send(line)
        if sent < len(line):
            self._transport.write(line[sent:])

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        try:
            for line in lines:
                self._received(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._spoiled()
        if len(self._partial) > self._line_limit_bytes:
            self._spoiled()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()
