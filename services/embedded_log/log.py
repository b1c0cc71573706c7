"""The embedded log: the port, over one stream of one writing process."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import repeat

from events.errors import EventTooLarge, LogDamaged, LogInUse, LogUnavailable
from events.log import Message, Record
from events.positions import Frontier, Position
from services.embedded_log.group_commit import GroupCommit, Outcome
from services.embedded_log.limits import Limits
from services.embedded_log.slices import read_slices
from services.embedded_log.stream import PARTITION, Stream
from services.embedded_log.writer import Writer


class EmbeddedLog:
    """`events.log.Log`. Belongs to the event loop in which it was made."""

    def __init__(
        self,
        writer: Writer,
        stream: Stream,
        limits: Limits,
        *,
        in_thread: bool,
        given_back: Callable[[], None] = lambda: None,
    ) -> None:
        """`stream` is what this reads; `given_back` is called when all else is closed."""
        self._stream = stream
        self._limits = limits
        self._given_back = given_back
        self._end = writer.end
        self._changed = asyncio.Event()
        """Set, and replaced by a new one, when the log has grown, failed or closed."""
        self._last_commit: Sequence[Record] = ()
        self._failure: Exception | None = None
        self._closing = asyncio.Lock()
        self._closed = False
        self._commits = GroupCommit(writer, self._committed, limits, in_thread=in_thread)

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        for message in messages:
            if len(message.value) > self._limits.message_limit_bytes:
                raise EventTooLarge(len(message.value), self._limits.message_limit_bytes)
        self._stream.check_open()
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if not messages:
            return []
        first = await self._commits.append([message.value for message in messages])
        return list(map(Position, repeat(PARTITION), range(first, first + len(messages))))

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        offset = start.get(PARTITION, 0)
        return await read_slices(self._stream, offset, self._end, limit, self._limits)

    async def end(self) -> Frontier:
        self._stream.check_open()
        return self.stored

    @property
    def stored(self) -> Frontier:
        """The end, as this process knows it; also of a log that is closed."""
        return {PARTITION: self._end}

    async def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]:
        offset = start.get(PARTITION, 0)
        while True:
            changed = self._changed
            records = self._just_stored(offset, limit) or await self.read(
                {PARTITION: offset}, limit
            )
            if records:
                yield records
                offset += len(records)
            elif self._failure is not None:
                raise self._failure.with_traceback(None)
            else:
                await changed.wait()

    async def close(self) -> None:
        async with self._closing:
            if self._closed:
                return
            self._stream.close()
            self._wake()
            try:
                async with asyncio.timeout(self._limits.append_timeout_seconds):
                    await self._commits.close()
            except TimeoutError:
                raise LogUnavailable(
                    f"the log is still writing after {self._limits.append_timeout_seconds} s. Look "
                    "whether its disk is slow or stuck; ending the process loses nothing "
                    "acknowledged"
                ) from None
            self._given_back()
            self._closed = True

    def time_commits(self, committed: Callable[[float, int], None]) -> None:
        """From now on say of each commit its seconds and how many messages it stored: in the
        writer's thread or in the event loop, never in both at once. Must not fail."""
        self._commits.timed = committed

    def _just_stored(self, offset: int, limit: int) -> Sequence[Record]:
        """What the last commit stored from here on: a follower at the end needn't read it back."""
        first = self._end - len(self._last_commit)
        if not first <= offset < self._end:
            return ()
        self._stream.check_open()
        return self._last_commit[offset - first : offset - first + limit]

    def _committed(self, outcome: Outcome) -> None:
        self._end = outcome.end
        self._last_commit = outcome.records
        if isinstance(outcome.error, LogDamaged | LogInUse):
            self._failure = outcome.error
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class EmbeddedLogReader:
    """`events.log.LogReader`, beside the process that writes. Nothing wakes it."""

    def __init__(self, stream: Stream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        offset = start.get(PARTITION, 0)
        return await read_slices(self._stream, offset, self._stream.end(), limit, self._limits)

    async def end(self) -> Frontier:
        return {PARTITION: self._stream.end()}

    async def close(self) -> None:
        self._stream.close()
