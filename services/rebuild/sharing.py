"""A long stretch of the log, judged by several processes, each a share of the roots.

What reads and writes here is a third of the work; judging is two thirds, and of one root it depends
on nothing that is said of another.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from events.log import LogReader, Record
from events.positions import Frontier, after, covers, reaches
from projections.batch import Rows
from projections.checkpoint import Course, frontier_of
from projections.entry import unread
from projections.place import Stored
from services.rebuild.dealing import dealt, share
from services.rebuild.growing import Checkpoints, Growing
from services.rebuild.judges import JudgeProcess, Judges, Recall

RECORDS_AT_ONCE = 4_000
AHEAD = 1
"""So many batches more than the one that is taken in next are with the judges."""
KEYS_KEPT = 20_000


class Round(NamedTuple):
    """A batch that the judges have been given."""

    records: int
    before: Checkpoints
    reached: Checkpoints


class Sharing:
    """For one stretch. It keeps no roots, only the keys that were lately spoken of."""

    def __init__(
        self,
        growing: Growing,
        judges: Judges,
        checkpoints: Checkpoints,
        tell: Callable[[int], None],
    ) -> None:
        self.checkpoints = checkpoints
        """Behind what was given to the judges."""
        self._growing = growing
        self._judges = judges.processes
        self._tell = tell
        self._rounds: deque[Round] = deque()
        self._lately: set[str] = set()
        self._written: Frontier = frontier_of(checkpoints)
        self._to_be_written: Frontier = self._written
        self._writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writing.set_result(None)

    async def build(self, log: LogReader, until: Frontier) -> None:
        """Take in everything before this frontier."""
        reached: Frontier = frontier_of(self.checkpoints)
        while not reaches(reached, until):
            records = await log.read(reached, RECORDS_AT_ONCE)
            if not records:
                break
            wanted = [record for record in records if covers(until, record.position)]
            await self._deal([*unread(wanted, frontier_of(self.checkpoints))])
            if len(self._rounds) > AHEAD:
                await self._take()
            reached = after(reached, (record.position for record in records))
        while self._rounds:
            await self._take()
        await self._writing

    async def _deal(self, records: Sequence[Record]) -> None:
        course = Course(self.checkpoints)
        shares = [Share([], set()) for _ in self._judges]
        for record in records:
            root, key = dealt(record)
            stored, keys = shares[share(root, len(shares))]
            stored.append(course.stored(record))
            keys.add(key)
        written = self._written
        new = await self._new(set().union(*(keys for _, keys in shares)))
        for judge, (stored, keys) in zip(self._judges, shares, strict=True):
            judge.ask(stored, list(keys & new), written)
        reached = course.checkpoints()
        self._rounds.append(Round(len(records), self.checkpoints, reached))
        self.checkpoints = reached

    async def _new(self, keys: set[str]) -> set[str]:
        """Those of which nothing is written. It may miss some: of those the judges ask."""
        unheard = keys - self._lately
        if len(self._lately) > KEYS_KEPT:
            self._lately.clear()
        self._lately |= keys
        return unheard.difference(await self._growing.known([*unheard]))

    async def _take(self) -> None:
        """Have the rows of the oldest round written, while the judges go on."""
        records, before, reached = self._rounds.popleft()
        answers = [await self._rows(judge) for judge in self._judges]
        await self._writing
        self._written, self._to_be_written = self._to_be_written, frontier_of(reached)
        self._writing = self._growing.write(lambda: together(answers), before, reached)
        self._tell(records)

    async def _rows(self, judge: JudgeProcess) -> Rows:
        while isinstance(answer := await judge.answer(), Recall):
            async for values in self._growing.history(answer.key, self._written):
                await answer.tell(values)
            await answer.tell([])
        return answer


class Share(NamedTuple):
    """Of a batch, what one judge is given."""

    stored: list[Stored]
    keys: set[str]


def together(answers: Iterable[Rows]) -> Rows:
    """In the order of the log, in which the history is quickest written."""
    rows = Rows(*(list(chain.from_iterable(each)) for each in zip(*answers, strict=True)))
    rows.history.sort(key=itemgetter(0))
    return rows
