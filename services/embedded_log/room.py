"""Room in a queue, bounded in messages and in bytes; first come, first served."""

import asyncio
from collections import deque

from services.patience import Patience


class Room:
    """Whoever is larger than all of it enters alone."""

    def __init__(self, limit_messages: int, limit_bytes: int, patience: Patience) -> None:
        self._limit_messages = limit_messages
        self._limit_bytes = limit_bytes
        self._patience = patience
        self._messages = 0
        self._bytes = 0
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()
        self._empty = asyncio.Event()
        self._empty.set()

    async def enter(self, messages: int, size_bytes: int) -> None:
        if not self._waiting and self._fits(messages, size_bytes):
            self._take(messages, size_bytes)
            return
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patience.watch(entered)
        self._waiting.append((messages, size_bytes, entered))
        try:
            await entered
        except BaseException:
            if entered.cancelled() or entered.exception() is not None:
                self._admit()  # those behind it
            else:
                self.leave(messages, size_bytes)
            raise

    def leave(self, messages: int, size_bytes: int) -> None:
        self._messages -= messages
        self._bytes -= size_bytes
        self._admit()
        if self._messages == 0:
            self._empty.set()

    async def empty(self) -> None:
        """Returns when nobody is in it, or waits to be."""
        await self._empty.wait()

    def _admit(self) -> None:
        while self._waiting:
            messages, size_bytes, entered = self._waiting[0]
            if not entered.done():
                if not self._fits(messages, size_bytes):
                    return
                self._take(messages, size_bytes)
                entered.set_result(None)
            self._waiting.popleft()

    def _fits(self, messages: int, size_bytes: int) -> bool:
        return self._messages == 0 or (
            self._messages + messages <= self._limit_messages
            and self._bytes + size_bytes <= self._limit_bytes
        )

    def _take(self, messages: int, size_bytes: int) -> None:
        if self._messages == 0:
            self._empty.clear()
        self._messages += messages
        self._bytes += size_bytes
