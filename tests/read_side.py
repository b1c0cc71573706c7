"""Read models for tests: on a log that is a list, fed by the real ledger and the real projector."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

from events.log import Message, Record
from events.positions import Frontier, Position, after, covers
from projections.batch import folded
from projections.entry import Entry
from projections.memory import Memory
from services.ledger import CancelListener, Ledger, Listener
from services.read_models.digests import digests
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_models.writing import Writer
from services.read_side import ReadSide, open_read_side

PATIENCE_SECONDS = 60.0
BATCH_RECORDS = 50


class ListedLog:
    """A log that is all there, or grows when a test says so. Batches are cut at random."""

    def __init__(self, records: Sequence[Record], seed: int = 0) -> None:
        self.records = list(records)
        self._random = Random(seed)
        self._grown = asyncio.Event()

    def grow(self, records: Sequence[Record]) -> None:
        self.records.extend(records)
        self._grown.set()

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        raise NotImplementedError

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        unread = [record for record in self.records if not covers(start, record.position)]
        return unread[:limit]

    async def end(self) -> Frontier:
        return after({}, (record.position for record in self.records))

    async def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]:
        reached = dict(start)
        while True:
            self._grown.clear()
            if records := await self.read(reached, self._random.randint(1, limit)):
                reached = after(reached, (record.position for record in records))
                yield records
            else:
                await self._grown.wait()

    async def close(self) -> None:
        return


@asynccontextmanager
async def a_read_side(
    data: Path,
    log: ListedLog,
    *listeners: Listener,
    obeying: Sequence[CancelListener] = (),
    finished_kept: int = 20_000,
) -> AsyncIterator[tuple[ReadSide, Ledger]]:
    """The service's half that reads, running. Leaves when it has come to the end of the log."""
    side = await open_read_side(data, log)
    ledger = Ledger(
        log, side.models, [*listeners, side.projector], obeying, batch_records=BATCH_RECORDS
    )
    ledger.memory = Memory(finished_kept)
    projecting = asyncio.create_task(side.projector.run())
    following = asyncio.create_task(ledger.run())
    try:
        yield side, ledger
    finally:
        for task in (following, projecting):
            task.cancel()
        await asyncio.gather(following, projecting, return_exceptions=True)
        await side.close()


async def projected(
    data: Path, log: ListedLog, *listeners: Listener, finished_kept: int = 20_000
) -> None:
    """The read models of this folder, brought on to the end of the log; then all of it stops."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with a_read_side(data, log, *listeners, finished_kept=finished_kept) as (side, _):
            assert await side.models.reached(await log.end(), PATIENCE_SECONDS)


def written(data: Path, entries: Sequence[Entry], cuts: Sequence[int] = ()) -> ReadModels:
    """New read models with these entries, cut into batches."""
    generations = Generations(data / FOLDER)
    writer = Writer(generations.in_use())
    checkpoints = writer.checkpoints()
    edges = [0, *sorted(cuts), len(entries)]
    for start, end in pairwise(edges):
        batch = folded(checkpoints, entries[start:end])
        writer.write(batch, checkpoints)
        checkpoints = batch.checkpoints
    writer.close()
    return ReadModels(generations.in_use())


def digests_of(data: Path) -> dict[str, str]:
    session = Generations(data / FOLDER).in_use().connect()
    with session.reading():
        found = digests(session)
    session.close()
    return found
