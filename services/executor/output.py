"""What runs say while they run, on its way to the output stream.

Numbered per run, bounded in all directions: beyond a limit it is counted as missing, and the
outcome says how much. Nobody who waits for a cancel waits for another run's output.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from uuid import UUID

from events.body import JsonObject
from events.errors import CountermandError
from events.event import encode
from events.log import Log, Message, message
from events.run_events import OutputSummary
from events.task_events import TaskOutput, TaskProgressed
from services.executor.settings import ExecutorSettings
from services.voice import Voice, as_executor

BATCH_RECORDS = 500

BodyOf: TypeAlias = Callable[[int], TaskProgressed | TaskOutput]


@dataclass(slots=True)
class RunOutput:
    """The output of one run so far."""

    run_id: UUID
    organization: str
    task_id: str
    number: int = 0
    bytes: int = 0
    missing: int = 0
    queued: int = 0
    flushed: asyncio.Event = field(default_factory=asyncio.Event)

    def summary(self) -> OutputSummary:
        missing = self.missing + self.queued
        return OutputSummary(
            records=self.number - missing, bytes=self.bytes, missing_records=missing
        )


class Outputs:
    """One queue and one writer for all runs of an executor."""

    def __init__(self, log: Log, voice: Voice, me: str, settings: ExecutorSettings) -> None:
        self._log = log
        self._voice = voice
        self._me = me
        self._settings = settings
        self._queue: deque[tuple[RunOutput, Message]] = deque()
        self._wake = asyncio.Event()

    def progress(self, run: RunOutput, fraction: float | None, step: str) -> bool:
        return self._put(
            run,
            lambda number: TaskProgressed(
                actor=as_executor(self._me, run.organization),
                run_id=run.run_id,
                number=number,
                fraction=fraction,
                step=step[:1000],
            ),
        )

    def output(
        self,
        run: RunOutput,
        channel: Literal["stdout", "stderr", "chunk"],
        content: JsonObject | str,
    ) -> bool:
        return self._put(
            run,
            lambda number: TaskOutput(
                actor=as_executor(self._me, run.organization),
                run_id=run.run_id,
                number=number,
                channel=channel,
                content=content,
            ),
        )

    async def flushed(self, run: RunOutput, timeout_seconds: float | None) -> None:
        """Returns when this run's output is durable, or when the time is over."""
        if not run.queued:
            return
        run.flushed.clear()
        try:
            async with asyncio.timeout(timeout_seconds):
                await run.flushed.wait()
        except TimeoutError:
            pass  # The summary says what is missing.

    async def write(self) -> None:
        """Bring the queue to the log, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                count = min(BATCH_RECORDS, len(self._queue))
                batch = [self._queue.popleft() for _ in range(count)]
                try:
                    await self._log.append([one for _, one in batch])
                except CountermandError:
                    # Output may be lost, and is then said to be; outcomes never are.
                    for run, _ in batch:
                        run.missing += 1
                for run, _ in batch:
                    run.queued -= 1
                    if not run.queued:
                        run.flushed.set()

    def _put(self, run: RunOutput, body_of: BodyOf) -> bool:
        run.number += 1
        if (
            run.bytes >= self._settings.output_limit_bytes
            or len(self._queue) >= self._settings.output_queue_records
        ):
            run.missing += 1
            return False
        try:
            event = self._voice.event(
                body_of(run.number), subject=run.task_id, organization=run.organization
            )
            value = encode(event)
        except (CountermandError, ValueError):
            run.missing += 1
            return False
        run.bytes += len(value)
        run.queued += 1
        self._queue.append((run, message(event)))
        self._wake.set()
        return True
