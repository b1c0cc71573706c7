"""What is said on the log about one run, as its executor says it."""

from dataclasses import dataclass
from uuid import UUID

from events.body import Actor
from events.event import Event
from events.log import Message
from events.vocabulary import HistoryBody
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place
from services.voice import as_executor


@dataclass(slots=True)
class RunRecord:
    """Of one run."""

    place: Place
    run_id: UUID
    around: Surroundings
    traceparent: str | None = None
    """Of the cancel in force."""

    @property
    def me(self) -> Actor:
        return as_executor(self.around.executor_id, self.place.organization)

    def event(
        self, body: HistoryBody, id: UUID | None = None, causation_id: UUID | None = None
    ) -> Event:
        return self.around.voice.event(
            body,
            subject=self.place.task_id,
            organization=self.place.organization,
            id=id,
            causation_id=causation_id,
            traceparent=self.traceparent,
        )

    def message(self, event: Event) -> Message:
        return self.around.voice.message(event)

    def say_aside(self, *events: Event) -> None:
        """Nobody waits until it is on the log."""
        self.around.tasks.create_task(self.around.voice.say(*events))

    def say_messages_aside(self, messages: list[Message]) -> None:
        self.around.tasks.create_task(self.around.voice.say_messages(messages))
