"""Who goes first where everything shares one interpreter: callers, many of whose tasks are just
being accepted, before what nobody waits for.

Judging what was accepted before takes longer than accepting; done at the same time it would make
each request of a thousand tasks wait for the one before it. Knows nothing
of either side.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HELD_SECONDS = 0.05
"""For so long at most: whoever sends a large request slowly holds up nobody."""


class RightOfWay:
    """One object a process; for one event loop."""

    def __init__(self, clock: Callable[[], float], held_seconds: float = HELD_SECONDS) -> None:
        self._clock = clock
        self._held_seconds = held_seconds
        self._holders = 0
        self._until = 0.0
        self._free = asyncio.Event()
        self._free.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """While a request is being accepted."""
        self._holders += 1
        self._until = self._clock() + self._held_seconds
        self._free.clear()
        try:
            yield
        finally:
            self._holders -= 1
            if self._holders == 0:
                self._free.set()

    def end(self) -> None:
        """Somebody waits for what gives way: nobody has it, until it is taken anew."""
        if self._holders:
            self._until = 0.0
            self._free.set()

    async def given(self) -> None:
        """Returns once nobody has it, or has had it for too long."""
        left_seconds = self._until - self._clock()
        if self._holders and left_seconds > 0:
            try:
                async with asyncio.timeout(left_seconds):
                    await self._free.wait()
            except TimeoutError:
                return
