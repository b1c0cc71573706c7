"""One generation being built: the fold from the first record on, written without indexes.

Holds no more of the past than the fold needs at hand; what it needs again it recalls from what it
has built so far, as the ledger does from the read models.
"""

from collections.abc import Callable, Sequence

from events.log import LogReader, Record
from events.positions import Frontier, after, covers, reaches
from projections import tables
from projections.batch import folded
from projections.checkpoint import Checkpoint, frontier_of
from projections.entry import decoded, unread
from projections.memory import Memory
from projections.place import Place, cut, position
from services.read_models.database import Database
from services.read_models.live import LiveQuestions
from services.read_models.past import PastQuestions
from services.read_models.writing import Writer

RECORDS_AT_ONCE = 2000


class Builder:
    """For one rebuild."""

    def __init__(self, database: Database, log: LogReader, tell: Callable[[int], None]) -> None:
        """`tell` hears how many records were taken in, again and again."""
        self.checkpoints: dict[int, Checkpoint] = {}
        self.writer = Writer(database)
        self._log = log
        self._tell = tell
        self._memory = Memory()
        self._live = LiveQuestions(database, PastQuestions(database))
        self._indexed = False

    @property
    def frontier(self) -> dict[int, int]:
        return frontier_of(self.checkpoints)

    async def build(self, until: Frontier) -> None:
        """Take in everything before this frontier."""
        reached = self.frontier
        while not reaches(reached, until):
            records = await self._log.read(reached, RECORDS_AT_ONCE)
            if not records:
                return
            wanted = [record for record in records if covers(until, record.position)]
            self._take(wanted)
            reached = after(reached, (record.position for record in records))
            self._tell(len(wanted))

    def index(self) -> None:
        """Make the indexes that aren't there yet; they are quicker made at once, at the end."""
        if not self._indexed:
            self._indexed = True
            for table in tables.metadata.sorted_tables:
                for index in table.indexes:
                    self.writer.session.create(index)

    def _take(self, records: Sequence[Record]) -> None:
        batch = [decoded(record) for record in unread(records, self.frontier)]
        for key, start in self._known(self._memory.missing(batch)).items():
            self._recall(key, start)
        entries = [self._memory.enter(one) for one in batch]
        rows = folded(self.checkpoints, entries)
        self.writer.write(rows, self.checkpoints)
        self.checkpoints = rows.checkpoints
        self._memory.forget(self.frontier)

    def _known(self, missing: set[str]) -> dict[str, Place]:
        for key in missing:
            self._memory.recall(key)
        return self._live.known(self.writer.session, [*missing])

    def _recall(self, key: str, start: Place) -> None:
        """Rare: something is said of a root that finished long ago."""
        self.index()
        end = cut(self.frontier, position(start).partition)
        while start < end:
            events, start = self._live.events(self.writer.session, key, start, end)
            self._memory.recall(key, events)

    def close(self) -> None:
        self.writer.close()
