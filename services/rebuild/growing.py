"""The generation that is being built: one thread writes it, and answers what was written before.

In the order in which it is asked, so that whatever is asked sees everything given before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from events.positions import Frontier
from projections import tables
from projections.batch import Rows
from projections.checkpoint import Checkpoint
from projections.place import Place, cut, position
from services.read_models.database import Database
from services.read_models.live import LiveQuestions
from services.read_models.past import PastQuestions
from services.read_models.writing import Writer

Answer = TypeVar("Answer")
Checkpoints: TypeAlias = Mapping[int, Checkpoint]


class Growing:
    """At first without any index."""

    def __init__(self, database: Database) -> None:
        self.writer = Writer(database)
        self._live = LiveQuestions(database, PastQuestions(database))
        self._to_index = {
            str(index.name): index
            for table in tables.metadata.sorted_tables
            for index in table.indexes
        }
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "rebuild")

    def write(
        self, rows: Callable[[], Rows], before: Checkpoints, reached: Checkpoints
    ) -> asyncio.Future[None]:
        return self._in_thread(lambda: self.writer.write_rows(rows(), before, reached))

    def known(self, keys: Sequence[str]) -> asyncio.Future[dict[str, Place]]:
        """Where those of these roots begin that have any event."""
        return self._in_thread(lambda: self._live.known(self.writer.session, keys))

    async def history(self, key: str, until: Frontier) -> AsyncIterator[list[bytes]]:
        """The events of a root before this frontier, in parts. Rare, and needs the indexes."""
        await self.index()
        for start in (await self.known([key])).values():
            end = cut(until, position(start).partition)
            while start < end:
                values, start = await self._values(key, start, end)
                yield values

    async def index(self, names: Collection[str] | None = None) -> None:
        """Make these indexes, or all; those that aren't there yet."""
        await self._in_thread(lambda: self._index(list(self._to_index if names is None else names)))

    async def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            await self._in_thread(self.writer.close)
            self._thread.shutdown()

    def _values(
        self, key: str, start: Place, end: Place
    ) -> asyncio.Future[tuple[list[bytes], Place]]:
        return self._in_thread(lambda: self._live.values(self.writer.session, key, start, end))

    def _index(self, names: Collection[str]) -> None:
        for name in names:
            index = self._to_index.pop(name, None)
            if index is not None:
                self.writer.session.create(index)

    def _in_thread(self, work: Callable[[], Answer]) -> asyncio.Future[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
