"""The log port over a socket, so that executors in processes of their own share one log.

For tests only: whoever is connected is trusted. A lost connection is what it is for a broker's
client: `LogUnavailable`, with the outcome unknown.
"""

import asyncio
import itertools
import pickle
import struct
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from events.errors import LogUnavailable
from events.log import Log, Message, Record
from events.positions import Frontier, Position

HEADER = struct.Struct("!I")


async def receive(reader: asyncio.StreamReader) -> Any:
    size = HEADER.unpack(await reader.readexactly(HEADER.size))[0]
    return pickle.loads(await reader.readexactly(size))


def send(writer: asyncio.StreamWriter, words: Any) -> None:
    data = pickle.dumps(words)
    writer.write(HEADER.pack(len(data)) + data)


class LogServer:
    """Serves logs by name on a unix socket."""

    def __init__(self, logs: Mapping[str, Log]) -> None:
        self._logs = logs

    async def serve(self, path: Path) -> asyncio.Server:
        return await asyncio.start_unix_server(self._serve_one, path)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            async with asyncio.TaskGroup() as group:
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    while True:
                        number, name, verb, argument = await receive(reader)
                        group.create_task(
                            self._answer(writer, number, self._logs[name], verb, argument)
                        )
                raise asyncio.CancelledError
        writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, number: int, log: Log, verb: str, argument: Any
    ) -> None:
        match verb:
            case "append":
                send(writer, (number, list(await log.append(argument))))
            case "read":
                send(writer, (number, list(await log.read(*argument))))
            case "end":
                send(writer, (number, dict(await log.end())))
            case "follow":
                with suppress(ConnectionError):  # Whoever followed was killed.
                    async for records in log.follow(*argument):
                        send(writer, (number, list(records)))
                        await writer.drain()
            case _:
                raise ValueError(f"no verb {verb!r}")


class Connection:
    """A client's end; its logs share it."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Queue[Any]] = {}
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, path: Path, connected: asyncio.Event) -> None:
        """Until the server is gone."""
        reader, self._writer = await asyncio.open_unix_connection(path)
        connected.set()
        while True:
            number, answer = await receive(reader)
            if number in self._answers:
                self._answers[number].put_nowait(answer)

    def log(self, name: str) -> "LogOverSocket":
        return LogOverSocket(self, name)

    def ask(self, name: str, verb: str, argument: Any) -> tuple[int, "asyncio.Queue[Any]"]:
        if self._writer is None or self._writer.is_closing():
            raise LogUnavailable("the log's server is gone: start it again")
        number = next(self._numbers)
        self._answers[number] = asyncio.Queue()
        send(self._writer, (number, name, verb, argument))
        return number, self._answers[number]

    def forget(self, number: int) -> None:
        self._answers.pop(number, None)


class LogOverSocket:
    """`events.log.Log`, of a server."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        plain = [Message(key, value) for key, value, _ in messages]
        answer: Sequence[Position] = await self._answer("append", plain)
        return answer

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        answer: Sequence[Record] = await self._answer("read", (dict(start), limit))
        return answer

    async def end(self) -> Frontier:
        answer: Frontier = await self._answer("end", None)
        return answer

    async def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]:
        number, answers = self._connection.ask(self._name, "follow", (dict(start), limit))
        try:
            while True:
                yield await answers.get()
        finally:
            self._connection.forget(number)

    async def close(self) -> None:
        return

    async def _answer(self, verb: str, argument: Any) -> Any:
        number, answers = self._connection.ask(self._name, verb, argument)
        try:
            return await answers.get()
        finally:
            self._connection.forget(number)
