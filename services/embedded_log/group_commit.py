"""Many callers, one writer: whatever waits while a commit runs shares the next one.

There is no delay and no timer: a lone caller is stored at once, and the busier it gets, the larger
the groups. While the disk is quick, the event loop commits by itself, once for all who asked in the
same turn of it; a slow disk gets a thread, so that it holds up nobody but those who wait for it
(docs/decisions/0012).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import NamedTuple

from events.errors import LogUnavailable
from events.log import Record
from services.embedded_log.limits import Limits
from services.embedded_log.room import Room
from services.embedded_log.writer import Writer
from services.patience import Patience


class Waiting(NamedTuple):
    values: Sequence[bytes]
    size_bytes: int
    stored: asyncio.Future[int]
    """The offset of the first value, once all are durable."""


class Outcome(NamedTuple):
    end: int
    """Where the log ends after the commit; its last values are the group's if there is no error."""
    error: Exception | None = None
    records: Sequence[Record] = ()
    """What was stored, if there is no error."""


class GroupCommit:
    def __init__(
        self,
        writer: Writer,
        committed: Callable[[Outcome], None],
        limits: Limits,
        *,
        in_thread: bool,
    ) -> None:
        """`committed` is called in the event loop after each commit. Its callers go on a moment
        later, and before whoever is woken by `committed`: they answer somebody.

        Without a thread (for simulations, and for stores that never block) nothing but the callers
        decides the order.
        """
        self._writer = writer
        self._committed = committed
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(limits.append_timeout_seconds, self._too_slow)
        self._room = Room(limits.queue_limit_messages, limits.queue_limit_bytes, self._patience)
        self.timed: Callable[[float, int], None] | None = None
        """Who wants to know of each commit how many seconds it took, and what it stored."""
        self._queue: deque[Waiting] = deque()
        self._called = False
        """A commit runs in the thread, or is about to be made."""
        self._quick = not in_thread
        """How the last commit was. Nobody knows of the first one."""
        self._groups: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread: Thread | None = None
        if in_thread:
            # A daemon: a process that forgets to close its log ends all the same, as if killed.
            self._thread = Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()

    async def append(self, values: Sequence[bytes]) -> int:
        """The offset of the first value, once all are durable. Whoever is cancelled won't know."""
        size_bytes = sum(map(len, values))
        await self._room.enter(len(values), size_bytes)
        stored: asyncio.Future[int] = self._loop.create_future()
        self._patience.watch(stored)
        self._queue.append(Waiting(values, size_bytes, stored))
        self._call()
        return await stored

    async def close(self) -> None:
        """After the appends that have begun."""
        await self._room.empty()
        self._patience.stop()
        if self._thread is None:
            self._writer.close()
            return
        if self._thread.is_alive():
            self._groups.put(None)
        await asyncio.wait([self._ended])
        self._ended.result()

    def _call(self) -> None:
        """After everybody whose turn it is has asked."""
        if self._queue and not self._called:
            self._called = True
            self._loop.call_soon(self._store)

    def _store(self) -> None:
        group = self._group()
        if self._quick:
            self._settle(group, *self._commit(group))
        else:
            self._groups.put(group)

    def _run(self) -> None:
        """The thread's life. When the event loop is closed, nobody is left to tell: it ends."""
        with suppress(RuntimeError):
            while group := self._groups.get():
                self._loop.call_soon_threadsafe(self._settle, group, *self._commit(group))
            try:
                self._writer.close()
            except Exception as error:  # noqa: BLE001 (whoever closes raises it)
                self._loop.call_soon_threadsafe(self._ended.set_exception, error)
            else:
                self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _group(self) -> list[Waiting]:
        """Who waited longest, and whoever fits in behind."""
        group = []
        messages = 0
        while self._queue and messages < self._limits.commit_limit_messages:
            waiting = self._queue.popleft()
            messages += len(waiting.values)
            group.append(waiting)
        return group

    def _commit(self, group: Sequence[Waiting]) -> tuple[Outcome, bool]:
        """What came of it, and whether it was quick."""
        began = perf_counter()
        try:
            values = [value for waiting in group for value in waiting.values]
            records = self._writer.append(values)
        except Exception as error:  # noqa: BLE001 (each caller of the group raises it)
            outcome = Outcome(self._writer.end, error)
        else:
            outcome = Outcome(self._writer.end, records=records)
        took_seconds = perf_counter() - began
        if self.timed is not None:
            self.timed(took_seconds, len(outcome.records))
        return outcome, took_seconds < self._limits.quick_commit_seconds

    def _settle(self, group: Sequence[Waiting], outcome: Outcome, quick: bool) -> None:
        self._called = False
        self._quick = quick or self._thread is None
        offset = outcome.end - sum(len(waiting.values) for waiting in group)
        for values, size_bytes, stored in group:
            if not stored.done():  # nor given up
                if outcome.error is not None:
                    stored.set_exception(outcome.error)
                else:
                    stored.set_result(offset)
            offset += len(values)
            self._room.leave(len(values), size_bytes)
        self._committed(outcome)
        self._call()  # after those have been called who heard of this commit

    def _too_slow(self) -> LogUnavailable:
        return LogUnavailable(
            f"the log hasn't stored an append within {self._limits.append_timeout_seconds} s; "
            "whether it will is unknown. Look whether its disk is slow or stuck, then repeat with "
            "the same event ids"
        )
