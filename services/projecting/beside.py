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
from services.projecting.lives import Life, ProjectorStopped, holder
from services.projecting.standing import Standing, own_bytes
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels

ENTRIES_LIMIT = 10_000
"""Judged, and not yet in the rows. The ledger waits beyond it."""
LINGER_SECONDS = 0.03
"""While fewer than so many entries wait, and nobody for them."""
MANY_ENTRIES = 500
AGAIN_SECONDS = 1.0
STARTS_LIMIT = 5
"""One after another that end soon and write nothing."""
LIFE_SECONDS = 60.0
FIRST_WORD_SECONDS = 60.0
"""It may have to wait for the end of one whose service was killed."""
SILENT_SECONDS = 30.0
"""One that says nothing for so long stands still: it says how far it is every few seconds."""
END_SECONDS = 10.0
"""For one to end what it is writing, once nobody waits for it any more."""

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
        end_seconds: float = END_SECONDS,
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
        self._end_seconds = end_seconds
        self._restarts = 0
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
        if (
            self._writer is not None
            and not self._writer.is_closing()  # It was killed, and `run` hasn't noticed yet.
            and self._judged > self._asked
        ):
            self._asked = self._judged
            self._say_goal(self._writer)

    def _say_goal(self, writer: asyncio.StreamWriter) -> None:
        writer.write(words.said(**{words.GOAL: self._asked}))

    def _make_room(self) -> None:
        written = self._models.frontier().get(PARTITION, 0)
        if self._judged - written < ENTRIES_LIMIT:
            self._room.set()
        else:
            self._room.clear()

    def standing(self) -> Standing:
        return Standing(0 if self.pid is None else own_bytes(self.pid), self._restarts)

    # ------------------------------------------------------------------------------ its life

    def give_up(self) -> None:
        """The service ends, and the rows don't get on: nobody waits for this process. Whatever it
        hadn't written follows from the log at the next start."""
        self._end_seconds = 0.0

    async def close(self) -> None:
        """For one that perhaps never ran. May be called twice."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await asyncio.to_thread(begun.end, self._end_seconds)

    async def begun(self, timeout_seconds: float) -> None:
        """Returns when the rows are being written."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.writes.wait()
        except TimeoutError:
            raise ProjectorStopped(
                f"the read models aren't written {timeout_seconds:.0f} s after the start. "
                f"{holder(self._data / FOLDER)}"
            ) from None

    async def run(self) -> None:
        """Have it written until cancelled. What is being written is written to its end."""
        loop = asyncio.get_running_loop()
        ended_early = 0
        try:
            while True:
                before, began = self._models.frontier(), loop.time()
                ended = await self._one_life()
                got_on = self._models.frontier() != before or loop.time() - began > LIFE_SECONDS
                ended_early = 0 if got_on else ended_early + 1
                if ended_early >= STARTS_LIMIT:
                    raise ProjectorStopped(
                        f"the process that writes the read models ended {ended_early} times soon "
                        f"after its start, the last time with {ended}. What it said on stderr "
                        "tells why; if the system is out of memory, give it more. Nothing is "
                        "lost: the read models follow from the log"
                    )
                log.warning("the projector has ended; starting it again", why=ended)
                await asyncio.sleep(AGAIN_SECONDS)
                self._restarts += 1
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
        except TimeoutError:
            log.warning("the projector stands still; killing it", pid=self.pid)
            life.process.kill()
        finally:
            self.pid = None
            await asyncio.shield(asyncio.to_thread(life.end, self._end_seconds))
        return f"exit status {life.process.returncode}"

    async def _talk(self, ours: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=ours, limit=words.LINE_LIMIT_BYTES)
        self._writer, self._asked = writer, self._judged
        self._say_goal(writer)
        patience_seconds = FIRST_WORD_SECONDS
        try:
            while line := await line_of(reader, patience_seconds):
                await self._hear(words.heard(line))
                patience_seconds = SILENT_SECONDS
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


async def line_of(reader: asyncio.StreamReader, patience_seconds: float) -> bytes:
    """The next one. `asyncio.wait_for` would lose a cancel that comes together with it."""
    async with asyncio.timeout(patience_seconds):
        return await reader.readline()
