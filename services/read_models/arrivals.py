"""How far the read models are known to have come, and who waits for them to come further.

Whoever learns of it tells `learn`: the projector of this process, or a listener on what another
process notifies. Waiters are woken then; nobody polls. Owns no database.
"""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

from events.positions import Frontier

GIVEN_UP_KEPT = 1000


class Arrivals:
    """For one event loop."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = dict(frontier)
        self._waiting: dict[int, list[tuple[int, int, asyncio.Future[None]]]] = {}
        """By partition, a heap: the offset that is waited for first stands first."""
        self._furthest: dict[int, int] = {}
        """By partition, the furthest that anybody has waited for here."""
        self._wanted: dict[int, int] = {}
        """What somebody waits for in another process, until it has come."""
        self._numbers = count()
        self._given_up = 0
        self._waiters = 0
        self.hurry: Callable[[], None] = _nobody
        """Called when somebody begins to wait: whoever writes the read models had better do it."""
        self._moved = asyncio.Event()
        """Replaced by a new one whenever it is set."""

    @property
    def awaited(self) -> bool:
        """Somebody waits for more than they cover."""
        return self._waiters > 0 or bool(self._wanted)

    def wanted(self) -> Frontier:
        """How far those who wait here want them to come; empty when nobody waits."""
        if not self._waiters:
            return {}
        known = self._frontier
        return {p: offset for p, offset in self._furthest.items() if offset > known.get(p, 0)}

    def want(self, frontier: Frontier) -> None:
        """Somebody waits for so much in another process."""
        known = self._frontier
        for partition, offset in frontier.items():
            if offset > max(known.get(partition, 0), self._wanted.get(partition, 0)):
                self._wanted[partition] = offset
        if self._wanted:
            self.hurry()

    def frontier(self) -> Frontier:
        return dict(self._frontier)

    def learn(self, frontier: Frontier) -> None:
        """They have come so far. What was known to be further stays known."""
        known = self._frontier
        for partition, offset in frontier.items():
            if offset > known.get(partition, 0):
                known[partition] = offset
                self._wake(partition, offset)
                if offset >= self._wanted.get(partition, offset + 1):
                    del self._wanted[partition]
        self._moved.set()
        self._moved = asyncio.Event()

    async def reached(self, frontier: Frontier, timeout_seconds: float) -> bool:
        if self._covers(frontier):
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                for partition, offset in frontier.items():
                    await self._come(partition, offset)
        except TimeoutError:
            return self._covers(frontier)
        return True

    async def moved(self, beyond: Frontier, timeout_seconds: float) -> Frontier:
        try:
            async with asyncio.timeout(timeout_seconds):
                while all(offset <= beyond.get(p, 0) for p, offset in self._frontier.items()):
                    await self._moved.wait()
        except TimeoutError:
            """Then this is how far they are."""
        return dict(self._frontier)

    def _covers(self, frontier: Frontier) -> bool:
        known = self._frontier
        return all(offset <= known.get(partition, 0) for partition, offset in frontier.items())

    async def _come(self, partition: int, offset: int) -> None:
        if offset <= self._frontier.get(partition, 0):
            return
        waiter = asyncio.get_running_loop().create_future()
        heappush(self._waiting.setdefault(partition, []), (offset, next(self._numbers), waiter))
        self._furthest[partition] = max(offset, self._furthest.get(partition, 0))
        self._waiters += 1
        self.hurry()
        try:
            await waiter
        except asyncio.CancelledError:
            self._given_up += 1
            if self._given_up > GIVEN_UP_KEPT:
                self._forget_given_up()
            raise
        finally:
            self._waiters -= 1

    def _wake(self, partition: int, reached: int) -> None:
        waiting = self._waiting.get(partition, [])
        while waiting and (waiting[0][0] <= reached or waiting[0][2].done()):
            _, _, waiter = heappop(waiting)
            if not waiter.done():
                waiter.set_result(None)

    def _forget_given_up(self) -> None:
        """Those who waited for what may never come, and have gone."""
        self._given_up = 0
        for waiting in self._waiting.values():
            waiting[:] = [each for each in waiting if not each[2].done()]
            heapify(waiting)


def _nobody() -> None:
    """Who reads beside the process that writes can hurry nobody."""
