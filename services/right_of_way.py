"""Who goes first where everything shares one interpreter: callers, many of whose tasks are just
being accepted, before what nobody waits for.

Judging what was accepted before takes longer than accepting; done at the same time it would make
each request of a thousand tasks wait for the one before it. Knows nothing
of either side.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HELD_SECONDS = 0.25
"""For so long at most: whoever sends a large request slowly holds up nobody for longer than anybody
waits who gives way."""
LINGERS_SECONDS = 0.01
"""Whoever has sent a large request is about to send the next one."""


class RightOfWay:
    """One object a process; for one event loop."""

    def __init__(
        self,
        clock: Callable[[], float],
        held_seconds: float = HELD_SECONDS,
        lingers_seconds: float = LINGERS_SECONDS,
    ) -> None:
        self._clock = clock
        self._held_seconds = held_seconds
        self._lingers_seconds = lingers_seconds
        self._holders = 0
        self._until = 0.0
        self._ends = 0
        self._turn = asyncio.Event()
        """Set when it may be over sooner than it seemed, and replaced by a new one."""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While a request is being accepted."""
        self._holders += 1
        self._until = self._clock() + self._held_seconds
        try:
            yield
        finally:
            self._holders -= 1
            if self._holders == 0:
                self._until = min(self._until, self._clock() + self._lingers_seconds)
                self._wake()

    def end(self) -> None:
        """Somebody waits for what gives way: nobody has it, until it is taken anew."""
        if self._until:
            self._until = 0.0
            self._ends += 1
            self._wake()

    async def given(self, limit_seconds: float) -> None:
        """Returns once nobody has it, nor is about to, or has had it for too long; after so many
        seconds whatever happens."""
        waits_until, ends = self._clock() + limit_seconds, self._ends
        while ends == self._ends:
            turn, left_seconds = self._turn, min(self._until, waits_until) - self._clock()
            if left_seconds <= 0:
                return
            try:
                async with asyncio.timeout(left_seconds):
                    await turn.wait()
            except TimeoutError:
                continue

    def _wake(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()
