"""Notes that what was cancelled while pending never started: at once when it is a few.

Of ten thousand they would cost those who cancel something else meanwhile as much as the cancels
themselves, and nobody waits for these notes.
"""

import asyncio

from events.cancel_events import TaskCancelled
from events.event import Event
from events.ids import derived_id
from events.state import TaskState
from events.words import Evidence
from services.voice import Voice, as_executor

AT_ONCE = 8
PER_SECOND = 400


class Closings:
    """Of one executor."""

    def __init__(self, executor_id: str, voice: Voice) -> None:
        self._executor_id = executor_id
        self._voice = voice
        self._due: asyncio.Queue[tuple[str, TaskState]] = asyncio.Queue()
        """By organization."""

    def due(self, organization: str, task: TaskState) -> None:
        self._due.put_nowait((organization, task))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            some = [await self._due.get()]
            while len(some) < AT_ONCE and not self._due.empty():
                some.append(self._due.get_nowait())
            # First, so that whoever has cancelled is answered before this is written.
            await asyncio.sleep(len(some) / PER_SECOND)
            await self._voice.say(*(self._never_started(*each) for each in some))

    def _never_started(self, organization: str, task: TaskState) -> Event:
        assert task.cancel is not None
        return self._voice.event(
            TaskCancelled(
                actor=as_executor(self._executor_id, organization),
                cancel_id=task.cancel.id,
                evidence=Evidence.NEVER_STARTED,
            ),
            subject=task.id,
            organization=organization,
            id=derived_id(organization, task.id, task.cancel.id, "closed"),
            causation_id=task.cancel.id,
        )
