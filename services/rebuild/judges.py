"""The processes that judge for a rebuild, each a share of the roots.

They are asked and answer in the same order. Whatever happens to one of them ends the rebuild.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Any

from events.errors import CountermandError
from events.event import decode
from events.positions import Frontier
from projections.batch import Rows
from projections.place import Stored
from services.rebuild.frames import (
    BATCH,
    LENGTH_BYTES,
    PART,
    RECALL,
    ROWS,
    length,
    packed,
    unpacked,
)

MODULE = "services.rebuild.judge"
PATIENCE_SECONDS = 600
"""An answer takes some hundredths of a second; a machine may be very busy."""
HEARD_BYTES = 2**23
"""Of an answer, while another judge's is taken: nobody waits to be heard."""
LAST_WORDS_SECONDS = 10


class JudgeGone(CountermandError):
    """A process that the rebuild needs has ended, or says nothing any more."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"a process that judges events for the rebuild {what}: what is in use stays. Look "
            "whether the machine has run out of memory, or what that process has written above; "
            "then rebuild again"
        )


class Recall:
    """A judge waits for all events of this root."""

    def __init__(self, judge: "JudgeProcess", key: str) -> None:
        self.key = key
        self._judge = judge

    async def tell(self, values: list[bytes]) -> None:
        """The next ones; none when there are no more. A judge that recalls only listens, so that it
        can be waited for: a long history must not pile up here."""
        self._judge.send(PART, values)
        await self._judge.taken()


class JudgeProcess:
    """One of them, and its pipes."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._asked, self._answers = process.stdin, process.stdout

    @classmethod
    async def start(cls, finished_kept: int) -> "JudgeProcess":
        command = (sys.executable, "-P", "-m", MODULE, str(finished_kept))
        path = os.pathsep.join(filter(None, sys.path))
        environment = {**os.environ, "PYTHONPATH": path}
        # Away from the terminal, whose interrupt is for the rebuild alone to act on. A group of its
        # own would do, but uvloop makes none.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            env=environment,
            limit=HEARD_BYTES,
            start_new_session=True,
        )
        return cls(process)

    def ask(self, stored: list[Stored], new: list[str], written: Frontier) -> None:
        """For the rows of these records; `new` are keys of which the read models had nothing when
        they had come as far as `written`."""
        self.send(BATCH, stored, new, written)

    def send(self, *values: Any) -> None:
        """Not waited for: it may be waiting to be heard itself. Few batches are asked for ahead."""
        self._asked.write(packed(values))

    async def taken(self) -> None:
        """Returns when most of what was sent is on its way."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._asked.drain()
        except TimeoutError:
            raise JudgeGone(f"has taken nothing for {PATIENCE_SECONDS} s") from None
        except ConnectionError:
            raise JudgeGone(await self._ending()) from None

    async def answer(self) -> Rows | Recall:
        """The next thing that it says."""
        said, value = await self._said()
        if said == ROWS:
            return Rows(*value)
        if said == RECALL:
            return Recall(self, value)
        decode(value)  # raises what the judge has found
        raise JudgeGone("can't read what this one can")

    async def end(self) -> None:
        self._asked.close()
        try:
            self.process.kill()
        except ProcessLookupError:
            """It has ended by itself."""
        await self.process.wait()

    async def _said(self) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await self._answers.readexactly(LENGTH_BYTES)
                return unpacked(await self._answers.readexactly(length(head)))
        except TimeoutError:
            raise JudgeGone(f"has said nothing for {PATIENCE_SECONDS} s") from None
        except asyncio.IncompleteReadError:
            raise JudgeGone(await self._ending()) from None

    async def _ending(self) -> str:
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                code = await self.process.wait()
        except TimeoutError:
            return "has closed its pipe"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


class Judges:
    """All of them. An `async with` starts them, and leaves none behind."""

    def __init__(self, count: int, finished_kept: int) -> None:
        self._count = count
        self._finished_kept = finished_kept // count
        self.processes: list[JudgeProcess] = []

    async def __aenter__(self) -> "Judges":
        try:
            for _ in range(self._count):
                self.processes.append(await JudgeProcess.start(self._finished_kept))
        except OSError as error:
            await self._end()
            raise JudgeGone(f"couldn't be started ({error})") from error
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        await asyncio.gather(*(each.end() for each in self.processes))
