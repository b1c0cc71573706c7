"""Bounded reads from anywhere in a topic: one consumer, used in turns, asleep in between."""

import asyncio

from events.log import Record
from events.positions import Frontier
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.reader import Reader, closed, unreadable
from services.kafka_log.topic import Topic

SLICE_SECONDS = 1.0


class Pages:
    """Opens its consumer when it is needed for the first time.

    Whoever reads on where the page before ended finds the next one fetched already.
    """

    def __init__(self, connection: Connection, topic: Topic, limits: Limits) -> None:
        self._connection = connection
        self._topic = topic
        self._limits = limits
        self._turn = asyncio.Lock()
        self._reader: Reader | None = None
        self._closed = False

    async def read(self, start: Frontier, end: Frontier, limit: int) -> list[Record]:
        """Records between the two; none only if there are none."""
        behind = frozenset(part for part, offset in end.items() if start.get(part, 0) < offset)
        if not behind:
            return []
        try:
            async with asyncio.timeout(self._limits.patience_seconds), self._turn:
                return await self._read(start, end, limit, behind)
        except TimeoutError as reason:
            raise unreadable(self._topic, "no broker answers") from reason

    async def close(self) -> None:
        self._closed = True
        if self._reader is not None:
            await self._reader.close()

    async def _read(
        self, start: Frontier, end: Frontier, limit: int, behind: frozenset[int]
    ) -> list[Record]:
        if self._reader is None:
            self._reader = await Reader.open(self._connection, self._topic, self._limits, start)
        reader = self._reader
        try:
            if self._closed:
                raise closed(self._topic)
            reader.seek(start)
            reader.only(behind)
            records = await reader.next(limit, SLICE_SECONDS)
            while not records and not await _has_reached(reader, end, behind):
                records = await reader.next(limit, SLICE_SECONDS)
            # Otherwise it would go on asking the brokers for more.
            reader.rest()
        except BaseException:
            # Nobody knows where it stands now.
            self._reader = None
            await reader.close()
            raise
        return records


async def _has_reached(reader: Reader, end: Frontier, partitions: frozenset[int]) -> bool:
    """True where the last offsets hold no records, but marks of somebody's transaction."""
    frontier = await reader.frontier()
    return all(frontier[partition] >= end[partition] for partition in partitions)
