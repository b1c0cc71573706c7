"""The log as a projector beside the writing process follows it: up to a goal that it is given.

Nothing else wakes it, and what it isn't asked for yet it leaves alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from events.log import LogReader, Record
from events.positions import Frontier
from services.embedded_log.stream import PARTITION


class UpToGoal:
    """`services.log_following.Followed`. For one event loop."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._goal = 0
        self._moved = asyncio.Event()

    def move(self, goal: int) -> None:
        """Everything before this offset is stored, and wanted."""
        self._goal = max(self._goal, goal)
        self._moved.set()

    async def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]:
        offset = start.get(PARTITION, 0)
        while True:
            self._moved.clear()
            wanted = min(limit, self._goal - offset)
            records = await self._log.read({PARTITION: offset}, wanted) if wanted > 0 else ()
            if records:
                yield records
                offset += len(records)
            else:
                await self._moved.wait()
