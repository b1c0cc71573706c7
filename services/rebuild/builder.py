"""One generation being built: the fold from the first record on, written without most indexes.

Holds no more of the past than the fold needs at hand; what it needs again it recalls from what it
has built so far, as the ledger does from the read models.
"""

import asyncio
import os
from collections.abc import Callable, Sequence

from events.event import decode
from events.log import LogReader
from events.positions import Frontier, after, covers, missing, reaches
from projections import tables
from projections.batch import folded
from projections.checkpoint import frontier_of
from projections.entry import Decoded, decoded, unread
from projections.memory import Memory
from services.read_models.database import Database
from services.rebuild.growing import Checkpoints, Growing
from services.rebuild.judges import Judges
from services.rebuild.sharing import Sharing

RECORDS_AT_ONCE = 5000
FINISHED_KEPT = 5_000
"""Less than a service keeps: what finished is seldom spoken of again."""
SHARED_FROM_RECORDS = 20_000
"""For fewer, processes would take longer to start than to judge."""
JUDGES = 2
"""More would wait for the one process that reads and writes, and each needs memory."""


class Builder:
    """For one rebuild. One thread writes a batch while the next one is read and decoded; of a long
    stretch the events are judged by other processes."""

    def __init__(self, database: Database, log: LogReader, tell: Callable[[int], None]) -> None:
        """`tell` hears how many records were taken in, again and again."""
        self.checkpoints: Checkpoints = {}
        self.growing = Growing(database)
        self._log = log
        self._tell = tell
        self._memory = Memory(FINISHED_KEPT)

    @property
    def frontier(self) -> dict[int, int]:
        return frontier_of(self.checkpoints)

    async def build(self, until: Frontier) -> None:
        """Take in everything before this frontier."""
        await self.growing.index(tables.IN_LOG_ORDER)
        records = missing(self.frontier, until)
        if records >= SHARED_FROM_RECORDS and len(os.sched_getaffinity(0)) > 1:
            await self._build_with_judges(until)
        else:
            await self._build_alone(until)

    async def index(self) -> None:
        """Make the indexes that aren't there yet; they are quicker made at once, at the end."""
        await self.growing.index()

    async def close(self) -> None:
        """May be called twice."""
        await self.growing.close()

    async def _build_with_judges(self, until: Frontier) -> None:
        # What is at hand here falls behind.
        self._memory = Memory(FINISHED_KEPT)
        async with Judges(JUDGES, FINISHED_KEPT) as judges:
            sharing = Sharing(self.growing, judges, self.checkpoints, self._tell)
            await sharing.build(self._log, until)
        self.checkpoints = sharing.checkpoints

    async def _build_alone(self, until: Frontier) -> None:
        reached: Frontier = self.frontier
        writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        writing.set_result(None)
        while not reaches(reached, until):
            records = await self._log.read(reached, RECORDS_AT_ONCE)
            if not records:
                break
            wanted = [record for record in records if covers(until, record.position)]
            batch = [decoded(record) for record in unread(wanted, self.frontier)]
            await writing
            await self._recall(batch)
            writing = self._write(batch)
            reached = after(reached, (record.position for record in records))
            self._tell(len(wanted))
        await writing

    async def _recall(self, batch: Sequence[Decoded]) -> None:
        """Everything before this batch is written."""
        self._memory.forget(self.frontier)
        keys = list(self._memory.missing(batch))
        for key in keys:
            self._memory.recall(key)
        for key in await self.growing.known(keys):
            async for values in self.growing.history(key, self.frontier):
                self._memory.recall(key, map(decode, values))

    def _write(self, batch: Sequence[Decoded]) -> asyncio.Future[None]:
        entries = [self._memory.enter(one) for one in batch]
        before, done = self.checkpoints, folded(self.checkpoints, entries)
        self.checkpoints = done.checkpoints
        return self.growing.write(done.rows, before, done.checkpoints)
