"""One generation being built: the fold from the first record on, written without most indexes.

Holds no more of the past than the fold needs at hand; what it needs again it recalls from what it
has built so far, as the ledger does from the read models.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from events.log import LogReader
from events.positions import Frontier, after, covers, reaches
from projections import tables
from projections.batch import folded
from projections.checkpoint import Checkpoint, frontier_of
from projections.entry import Decoded, decoded, unread
from projections.memory import Memory
from projections.place import Place, cut, position
from services.read_models.database import Database
from services.read_models.live import LiveQuestions
from services.read_models.past import PastQuestions
from services.read_models.writing import Writer

Answer = TypeVar("Answer")

RECORDS_AT_ONCE = 5000
FINISHED_KEPT = 5_000
"""Less than a service keeps: what finished is seldom spoken of again."""


class Builder:
    """For one rebuild. One thread writes a batch while the next one is read and decoded."""

    def __init__(self, database: Database, log: LogReader, tell: Callable[[int], None]) -> None:
        """`tell` hears how many records were taken in, again and again."""
        self.checkpoints: dict[int, Checkpoint] = {}
        self.writer = Writer(database)
        self._log = log
        self._tell = tell
        self._memory = Memory(FINISHED_KEPT)
        self._live = LiveQuestions(database, PastQuestions(database))
        self._to_index = {
            str(index.name): index
            for table in tables.metadata.sorted_tables
            for index in table.indexes
        }
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "rebuild")

    @property
    def frontier(self) -> dict[int, int]:
        return frontier_of(self.checkpoints)

    async def build(self, until: Frontier) -> None:
        """Take in everything before this frontier."""
        await self._in_thread(lambda: self._index(tables.IN_LOG_ORDER))
        reached = self.frontier
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

    async def index(self) -> None:
        """Make the indexes that aren't there yet; they are quicker made at once, at the end."""
        await self._in_thread(lambda: self._index(list(self._to_index)))

    async def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            await self._in_thread(self.writer.close)
            self._thread.shutdown()

    async def _recall(self, batch: Sequence[Decoded]) -> None:
        """Everything before this batch is written."""
        self._memory.forget(self.frontier)
        missing = list(self._memory.missing(batch))
        for key in missing:
            self._memory.recall(key)
        session = self.writer.session
        known = await self._in_thread(lambda: self._live.known(session, missing))
        for key, start in known.items():
            await self._recall_root(key, start)

    async def _recall_root(self, key: str, start: Place) -> None:
        """Rare: something is said of a root that finished long ago."""
        await self.index()
        session = self.writer.session
        end = cut(self.frontier, position(start).partition)
        while start < end:
            begin = start
            events, start = await self._in_thread(
                lambda: self._live.events(session, key, begin, end)  # noqa: B023
            )
            self._memory.recall(key, events)

    def _write(self, batch: Sequence[Decoded]) -> asyncio.Future[None]:
        entries = [self._memory.enter(one) for one in batch]
        before, rows = self.checkpoints, folded(self.checkpoints, entries)
        self.checkpoints = rows.checkpoints
        return self._in_thread(lambda: self.writer.write(rows, before))

    def _index(self, names: Collection[str]) -> None:
        for name in names:
            index = self._to_index.pop(name, None)
            if index is not None:
                self.writer.session.create(index)

    def _in_thread(self, work: Callable[[], Answer]) -> asyncio.Future[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
