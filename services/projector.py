"""Feeds what the ledger has judged to the read models: the one who writes them.

A listener of the ledger with a bounded queue, and a thread that writes what has come, batch after
batch; who waits for the read models is woken after each commit. While nobody waits for them it
lingers a moment, as what stops a run is not to share the processor with rows that nobody reads yet
(docs/decisions/0037). Progress lives in the tables only. When a rebuilt generation has taken over,
it goes on there. Knows no rules and no log.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from events.errors import CountermandError
from events.positions import Frontier, covers
from events.state import Root
from projections.batch import folded
from projections.checkpoint import Checkpoint, frontier_of
from projections.entry import Entry
from services.read_models.errors import OtherProjector, Superseded
from services.read_models.models import ReadModels
from services.read_models.succession import Succession
from services.read_models.writing import Writer

ENTRIES_LIMIT = 10_000
"""In the queue. The ledger waits beyond it."""
LINGER_SECONDS = 0.03
"""While fewer than so many entries wait, and nobody for them."""
MANY_ENTRIES = 500
ROWS_AT_ONCE = 2_000
"""In one transaction, give or take an entry: one cancel may change ten thousand tasks."""


class Projector:
    """One object a process. `run` it before the ledger."""

    def __init__(
        self,
        generations: Succession,
        models: ReadModels,
        writer: Writer,
        linger_seconds: float = LINGER_SECONDS,
        hold_every_seconds: float | None = None,
    ) -> None:
        """`linger_seconds`: none where it can't be told whether somebody waits.
        `hold_every_seconds`: where a writer that says nothing for long is taken for gone."""
        self.trouble: CountermandError | None = None
        """Why it no longer writes. Whoever asks for health shows it."""
        self._linger_seconds = linger_seconds
        self._hold_every_seconds = hold_every_seconds
        self._generations = generations
        self._models = models
        self._writer = writer
        self._there_already: Frontier = {}
        """What a generation that took over had taken in, and the ledger hasn't come to yet."""
        self._checkpoints: Mapping[int, Checkpoint] = writer.checkpoints()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, "projector")
        self._waiting: deque[Entry] = deque()
        self._due = asyncio.Event()
        self._lingering: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        models.hurry_with(self._hurry)

    # ------------------------------------------------------------------ what the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing: what is alive is in the tables."""

    def entered(self, entries: Sequence[Entry]) -> None:
        self._waiting.extend(entries)
        if len(self._waiting) >= MANY_ENTRIES or self._models.awaited:
            self._hurry()
        elif self._lingering is None:
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self._linger_seconds, self._hurry)
        if len(self._waiting) >= ENTRIES_LIMIT:
            self._room.clear()

    async def room(self) -> None:
        await self._room.wait()
        if self.trouble is not None:
            raise self.trouble

    # ------------------------------------------------------------------------------ its life

    async def run(self) -> None:
        """Write until cancelled. What is being written is written to its end."""
        try:
            while True:
                due = await self._comes_in_time()
                writing = asyncio.create_task(self._write(self._next()) if due else self._hold())
                try:
                    await asyncio.shield(writing)
                finally:
                    await writing
        except CountermandError as error:
            self.trouble = error
            self._room.set()
            raise
        finally:
            self.close()

    def close(self) -> None:
        """May be called twice."""
        if not self._closed:
            self._closed = True
            self._thread.shutdown()
            self._writer.close()

    async def _comes_in_time(self) -> bool:
        """Whether there is something to write, before something has to be said."""
        try:
            async with asyncio.timeout(self._hold_every_seconds):
                await self._due.wait()
        except TimeoutError:
            return False
        return True

    async def _hold(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.hold)

    async def _write(self, entries: Sequence[Entry]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._thread, self._commit, entries)
                break
            except Superseded as superseded:
                await self._go_on_in(superseded.successor)
        self._models.learn(frontier_of(self._checkpoints))

    def _commit(self, entries: Sequence[Entry]) -> None:
        there = self._there_already
        if there:
            entries = [each for each in entries if not covers(there, each.record.position)]
        batch = folded(self._checkpoints, entries)
        self._writer.write(batch, self._checkpoints)
        self._checkpoints = batch.checkpoints

    def _hurry(self) -> None:
        """Somebody waits for what has come, or it has waited long enough."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._waiting:
            self._due.set()

    def _next(self) -> list[Entry]:
        """The oldest entries, as many as one transaction takes."""
        waiting, rows = self._waiting, 0
        taken: list[Entry] = []
        while waiting and rows < ROWS_AT_ONCE:
            entry = waiting.popleft()
            taken.append(entry)
            rows += 1 + len(entry.outcome.tasks)
        if not waiting:
            self._due.clear()
        if len(waiting) < ENTRIES_LIMIT:
            self._room.set()
        return taken

    async def _go_on_in(self, successor: int) -> None:
        """A rebuild has taken over, having come at least as far as this projector."""
        successor, writer, found = await self._onto(successor)
        if not goes_on_from(found, self._checkpoints):
            writer.close()
            raise OtherProjector(self._checkpoints, found)
        self._writer, superseded = writer, self._writer
        superseded.close()
        self._checkpoints = found
        self._there_already = frontier_of(found)
        self._models.use(self._generations.database(successor))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._generations.remove_before, successor)

    async def _onto(self, successor: int) -> tuple[int, Writer, dict[int, Checkpoint]]:
        """What is in use now, when this one is asked for."""
        loop = asyncio.get_running_loop()
        while True:
            database = self._generations.database(successor)
            writer = await loop.run_in_executor(self._thread, self._writer.onto, database)
            try:
                return (
                    successor,
                    writer,
                    await loop.run_in_executor(self._thread, writer.checkpoints),
                )
            except Superseded as again:  # By another rebuild, before anything was written here.
                writer.close()
                successor = again.successor


def goes_on_from(found: Mapping[int, Checkpoint], ours: Mapping[int, Checkpoint]) -> bool:
    """Whether everything of ours is in there."""
    return all(
        partition in found
        and (found[partition] == mine or found[partition].next_offset > mine.next_offset)
        for partition, mine in ours.items()
    )
