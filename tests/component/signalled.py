"""Runs that are hit by a signal, some of them while they are being cancelled; and what must follow.

What is asked to stop swallows it, so that its cancel is surely under way when the signal comes.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from events.log import Log
from events.run_events import TaskStarted
from events.state import TaskState
from events.task_events import TaskOutput
from events.words import Evidence, Status, Verdict
from projections.entry import decoded
from tests.rig import PATIENCE_SECONDS, Onlooker

GRACE_SECONDS = 0.3


@dataclass(frozen=True)
class After:
    """What becomes of a run that nobody asked to stop."""

    attempt: int
    failures: int

    def __str__(self) -> str:
        return f"attempt {self.attempt}, failures {self.failures}"


GOES_ON = After(attempt=1, failures=0)
RELEASED = After(attempt=2, failures=0)
"""Hit by an accident of ours: it isn't counted."""
RETRIED = After(attempt=2, failures=1)
"""What ended it may have been its own doing: it is counted."""


@dataclass
class Signalled:
    """Two runs in one kind of host: one that is left alone, and one that is being cancelled."""

    onlooker: Onlooker
    output: Log
    folder: Path
    stays: str
    asked: str

    @classmethod
    async def begin(
        cls,
        onlooker: Onlooker,
        output: Log,
        folder: Path,
        *,
        grace_seconds: float = GRACE_SECONDS,
        **spec: Any,
    ) -> "Signalled":
        """Both run. `grace_seconds`: that of the one which will swallow what it is asked."""
        stays, asked = [
            await onlooker.submit(
                "exclusive",
                {"lock": str(folder / name), "deaf": name == "asked"},
                id=f"{folder.name}-{name}",
                grace_seconds=grace_seconds if name == "asked" else PATIENCE_SECONDS,
                max_attempts=3,
                backoff_seconds=0.01,
                **spec,
            )
            for name in ("stays", "asked")
        ]
        runs = cls(onlooker, output, folder, stays, asked)
        for task_id in (stays, asked):
            await runs.heard(await onlooker.until_status(task_id, Status.RUNNING))
        return runs

    async def ask(self) -> None:
        """Returns once the run swallowed it."""
        await self.onlooker.cancel(self.asked)
        await self.onlooker.until(lambda: "CancelObserved" in self.onlooker.told_of(self.asked))

    async def heard(self, task: TaskState) -> None:
        """Returns once the current run has said something: its code surely runs."""
        assert task.run is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for records in self.output.follow({}):
                for record in records:
                    event = decoded(record).event
                    assert event is not None
                    if isinstance(event.data, TaskOutput) and event.data.run_id == task.run.id:
                        return

    async def end(self, after: After, evidence: Evidence) -> None:
        """The one ends as it was asked, the other goes on as it should, until it is asked too."""
        await self.onlooker.until(lambda: self._runs_again(after))
        task = self.onlooker.task(self.stays)
        assert task is not None
        was = (task.attempt, task.failures)
        assert was == (after.attempt, after.failures), self._said(self.stays)
        await self.heard(task)
        # A cancel that follows the signal; its host may be kept for this run alone.
        await self.onlooker.cancel(self.stays)
        stays = await self.onlooker.until_status(self.stays, Status.CANCELLED)
        assert stays.evidence is Evidence.ACKNOWLEDGED, self._said(self.stays)
        asked = await self.onlooker.until_status(self.asked, Status.CANCELLED)
        assert (asked.evidence, asked.attempt) == (evidence, 1), self._said(self.asked)
        assert not list(self.folder.glob("*.twice"))
        assert not [task_id for task_id in (self.stays, self.asked) if self._started_twice(task_id)]

    def _runs_again(self, after: After) -> bool:
        task = self.onlooker.task(self.stays)
        return task is not None and task.status is Status.RUNNING and task.attempt >= after.attempt

    def _said(self, task_id: str) -> str:
        """For who reads of a failure: how the task came to be as it is."""
        task = self.onlooker.task(task_id)
        evidence = None if task is None else task.evidence
        lines = [
            f"{entry.event.time.isoformat()} {entry.event.data} {entry.outcome.verdict}"
            for entry in self.onlooker.entries
            if entry.event is not None and entry.event.subject == task_id
        ]
        return "\n".join([f"{task_id}: evidence {evidence}", *lines])

    def _started_twice(self, task_id: str) -> bool:
        started = Counter(
            entry.event.data.attempt
            for entry in self.onlooker.entries
            if entry.event is not None
            and entry.event.subject == task_id
            and isinstance(entry.event.data, TaskStarted)
            and entry.outcome.verdict is Verdict.EFFECTIVE
        )
        return any(times > 1 for times in started.values())
