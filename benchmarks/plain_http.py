"""HTTP/1.1 with as little client as possible, so that what is measured is the server."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop


def head(method: str, path: str, body: bytes, more: str = "") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{more}\r\n"
    ).encode() + body


class Connection:
    """One keep-alive connection, blocking."""

    def __init__(self, port: int, headers: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = headers

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        return self.send(method, path, b"" if body is None else json.dumps(body).encode())

    def send(self, method: str, path: str, raw: bytes) -> tuple[int, bytes]:
        """The same, of a body that is written already."""
        self._socket.sendall(head(method, path, raw, self._headers))
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        top, _, rest = received.partition(b"\r\n\r\n")
        length = content_length(top)
        while len(rest) < length:
            rest += self._more()
        return int(top[9:12]), rest

    def _more(self) -> bytes:
        more = self._socket.recv(1_000_000)
        if not more:
            raise ConnectionError("the server hung up")
        return more

    def close(self) -> None:
        self._socket.close()


def content_length(top: bytes) -> int:
    for line in top.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


Ask = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]


def with_connections(
    port: int, connections: int, headers: str, work: Callable[[int, Ask], Awaitable[None]]
) -> None:
    """`work(number, ask)` once for each of so many connections, at the same time."""

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            writer.write(head(method, path, body, headers))
            top = await reader.readuntil(b"\r\n\r\n")
            return int(top[9:12]), await reader.readexactly(content_length(top))

        try:
            await work(number, ask)
        finally:
            writer.close()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(connections):
                group.create_task(one(number))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_them())
