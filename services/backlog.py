"""What a listener of the ledger has been told and hasn't taken in yet: bounded, worked off in small
steps by a task of its own, so that nobody who stops something waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from projections.entry import Entry

ENTRIES_LIMIT = 10_000
"""The ledger waits beyond it."""
STEPS_AT_ONCE = 100
"""Before others have their turn: about a millisecond."""
LINGER_SECONDS = 0.01
"""Before what has come is taken in: an event loop writes answers when all whose turn it is have had
it, so that who counts what was just stopped would go before whoever waits for the stop."""


class Backlog:
    """`entered` and `room` are a listener's."""

    def __init__(self, take: Callable[[Entry], Iterable[None]]) -> None:
        """`take`: takes in an entry, a small step each time that it is asked for the next one."""
        self._take = take
        self._waiting: deque[Entry] = deque()
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def entered(self, entries: Sequence[Entry]) -> None:
        self._waiting.extend(entries)
        self._some.set()
        if len(self._waiting) >= ENTRIES_LIMIT:
            self._room.clear()

    async def room(self) -> None:
        await self._room.wait()

    async def run(self) -> None:
        """Until cancelled."""
        steps = 0
        while True:
            await self._some.wait()
            await asyncio.sleep(LINGER_SECONDS)
            while self._waiting:
                for _ in self._take(self._waiting.popleft()):
                    steps = await next_step(steps)
                # An entry that changes nothing is a step, too.
                steps = await next_step(steps)
                if len(self._waiting) < ENTRIES_LIMIT:
                    self._room.set()
            self._some.clear()


async def next_step(steps: int) -> int:
    """The number of the next one, once others have had their turn where it is time for that."""
    if (steps + 1) % STEPS_AT_ONCE == 0:
        await asyncio.sleep(0)
    return steps + 1
