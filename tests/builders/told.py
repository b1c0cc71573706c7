"""A history as a value: its events, what they come to, and how one more is told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self
from uuid import UUID

from events.event import Event, new_event
from events.ids import event_id, root_of
from events.outcome import Outcome
from events.run_events import TaskStarted
from events.state import ProjectState, Root, TaskState
from events.vocabulary import AnyBody
from events.words import ProjectStatus, Reason, Status, Verdict
from tests.builders.actors import ORGANIZATION, START, run_of
from tests.builders.folding import Folded, folded


@dataclass(frozen=True)
class Told:
    """What has been said so far. What can be said next, others add."""

    subject: str
    events: tuple[Event, ...] = ()
    now: datetime = START

    # What it comes to.

    @cached_property
    def folded(self) -> Folded:
        return folded(self.events)

    @property
    def root(self) -> Root:
        return self.folded.root

    @property
    def task(self) -> TaskState:
        return self.root.tasks[self.subject]

    @property
    def status(self) -> Status:
        return self.task.status

    @property
    def project(self) -> ProjectState:
        assert self.root.project is not None, "no project was created"
        return self.root.project

    @property
    def project_status(self) -> ProjectStatus:
        return self.project.status

    @property
    def last(self) -> Outcome:
        return self.folded.outcomes[-1]

    @property
    def verdict(self) -> Verdict:
        return self.last.verdict

    @property
    def reason(self) -> Reason | None:
        return self.last.reason

    @property
    def said(self) -> tuple[Verdict, Reason | None]:
        """Verdict and reason of the last event."""
        return self.last.verdict, self.last.reason

    @property
    def run_id(self) -> UUID:
        """Of the task's latest claim, whatever became of it."""
        for event in reversed(self.events):
            if event.subject == self.subject and isinstance(event.data, TaskStarted):
                return event.data.run_id
        return run_of(self.subject)

    def status_of(self, task: str) -> Status:
        return self.root.tasks[self._full(task)].status

    # How it goes on.

    def then(self, body: AnyBody, *, subject: str | None = None, id: UUID | None = None) -> Self:
        """The history with one event more."""
        now = self.now + timedelta(seconds=1)
        event = new_event(
            body,
            id=id or event_id(now, len(self.events)),
            subject=subject or self.subject,
            organization=ORGANIZATION,
            time=now,
            source=f"/{body.actor.kind}/{body.actor.id}",
        )
        return replace(self, events=(*self.events, event), now=now)

    def later(self, seconds: float) -> Self:
        """The clock moves on (or back)."""
        return replace(self, now=self.now + timedelta(seconds=seconds))

    def of(self, task: str) -> Self:
        """From here on about this task: a full id, or a name directly below the root."""
        return replace(self, subject=self._full(task))

    def repeated(self, number: int = -1) -> Self:
        """One of the events comes again, byte by byte."""
        return replace(self, events=(*self.events, self.events[number]))

    def _full(self, task: str) -> str:
        root = root_of(self.subject)
        return task if root_of(task) == root else f"{root}.{task}"

    @property
    def _attempt(self) -> int:
        task = self.root.tasks.get(self.subject)
        return task.attempt if task else 1

    @property
    def _executor(self) -> str:
        task = self.root.tasks.get(self.subject)
        return task.run.executor if task and task.run else "executor-1"
