"""The service's side of its projector: says how far to write, hears how far it has come.

A listener of the ledger. While nobody waits for the rows it lingers a moment, so that what belongs
together is written together (docs/decisions/0037). A projector that was killed is started again:
its progress is in the tables. One that says why it can't go on ends the service.
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from events.errors import CountermandError
from events.positions import Frontier
from events.state import Root
from projections.entry import Entry
from services.embedded_log.stream import PARTITION
from services.projecting import lives, words
from services.projecting.lives import Life, ProjectorStopped
from services.read_models.generations import Generations
from services.read_models.models import ReadModels

ENTRIES_LIMIT = 10_000
"""Judged, and not yet in the rows. The ledger waits beyond it."""
LINGER_SECONDS = 0.03
"""While fewer than so many entries wait, and nobody for them."""
MANY_ENTRIES = 500
AGAIN_SECONDS = 1.0
STARTS_LIMIT = 5
"""One after another, without a word of progress in between."""

log = structlog.get_logger(__name__)


class ProjectorBeside:
    """One object a process."""

    def __init__(
        self,
        data: Path,
        generations: Generations,
        models: ReadModels,
        begun: Life | None = None,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        """`begun`: the first process, if there is one already; later ones are started here."""
        self.trouble: CountermandError | None = None
        """Why nothing is written any more. Whoever asks for health shows it."""
        self.pid: int | None = None
        """Of the process that writes, while there is one."""
        self.writes = asyncio.Event()
        """Set when it has begun to."""
        self._data = data
        self._generations = generations
        self._models = models
        self._linger_seconds = linger_seconds
        self._judged = 0
        self._asked = 0
        self._lingering: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._writer: asyncio.StreamWriter | None = None
        self._begun = begun
        models.hurry_with(self._hurry)

    # ------------------------------------------------------------------ what the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Nothing: what is alive is in the tables."""

    def entered(self, entries: Sequence[Entry]) -> None:
        self._judged = entries[-1].record.position.offset + 1
        if self._judged - self._asked >= MANY_ENTRIES or self._models.awaited:
            self._hurry()
        elif self._lingering is None:
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self._linger_seconds, self._hurry)
        self._make_room()

    async def room(self) -> None:
        await self._room.wait()
        if self.trouble is not None:
            raise self.trouble

    def _hurry(self) -> None:
        """Somebody waits for what was judged, or it has waited long enough."""
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._writer is not None and self._judged > self._asked:
            self._asked = self._judged
            self._writer.write(words.said(**{words.GOAL: self._asked}))

    def _make_room(self) -> None:
        written = self._models.frontier().get(PARTITION, 0)
        if self._judged - written < ENTRIES_LIMIT:
            self._room.set()
        else:
            self._room.clear()

    # ------------------------------------------------------------------------------ its life

    async def close(self) -> None:
        """For one that perhaps never ran. May be called twice."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await asyncio.to_thread(begun.end)

    async def run(self) -> None:
        """Have it written until cancelled. What is being written is written to its end."""
        starts = 0
        try:
            while True:
                before = self._models.frontier()
                ended = await self._one_life()
                starts = starts + 1 if self._models.frontier() == before else 1
                log.warning("the projector has ended; starting it again", why=ended)
                if starts >= STARTS_LIMIT:
                    raise ProjectorStopped(
                        f"the process that writes the read models ended {starts} times before it "
                        f"wrote anything, the last time with {ended}. What it said on stderr tells "
                        "why; if the system is out of memory, give it more. Nothing is lost: the "
                        "read models follow from the log"
                    )
                await asyncio.sleep(AGAIN_SECONDS)
        except CountermandError as error:
            self.trouble = error
            self._room.set()
            raise

    async def _one_life(self) -> str:
        """Of one process; how it ended."""
        begun, self._begun = self._begun, None
        life = begun or lives.started(self._data)
        self.pid = life.process.pid
        try:
            with contextlib.suppress(ConnectionError):
                await self._talk(life.ours)
        finally:
            self.pid = None
            await asyncio.shield(asyncio.to_thread(life.end))
        return f"exit status {life.process.returncode}"

    async def _talk(self, ours: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=ours, limit=words.LINE_LIMIT_BYTES)
        self._writer, self._asked = writer, self._judged
        writer.write(words.said(**{words.GOAL: self._asked}))
        try:
            while line := await reader.readline():
                await self._hear(words.heard(line))
        finally:
            self._writer = None
            writer.close()

    async def _hear(self, said: Mapping[str, int | str]) -> None:
        match said:
            case {words.REACHED: int(offset)}:
                self.writes.set()
                self._models.learn({PARTITION: offset})
                self._make_room()
            case {words.GENERATION: int(number)}:
                self._models.use(self._generations.database(number))
                await asyncio.to_thread(self._generations.remove_before, number)
            case {words.TROUBLE: str(text)}:
                raise ProjectorStopped(text)
            case _:
                """Words of another release, which this one needn't know."""
