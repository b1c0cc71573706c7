"""Words about tasks: submitted, skipped, retried."""

from typing import Any, Self
from uuid import UUID

from events.ids import root_of
from events.task_events import TaskRetried, TaskSkipped, TaskSubmitted
from tests.builders.actors import USER
from tests.builders.told import Told


class TaskWords(Told):
    def submitted(self, *, id: UUID | None = None, **spec: Any) -> Self:
        body = TaskSubmitted(actor=USER, **({"kind": "count"} | spec))
        return self.then(body, id=id)

    def with_task(self, name: str, **spec: Any) -> Self:
        """A task of the project."""
        root = root_of(self.subject)
        depends_on = tuple(self._full(each) for each in spec.pop("depends_on", ()))
        return self.of(name).submitted(**{"project": root, "depends_on": depends_on} | spec)

    def with_child(self, name: str, **spec: Any) -> Self:
        """A child of the task that was named last; from here on about the child."""
        return self.of(f"{self.subject}.{name}").submitted(**{"parent": self.subject} | spec)

    def skipped(self, attempt: int | None = None) -> Self:
        return self.then(TaskSkipped(actor=USER, attempt=attempt or self._attempt))

    def retried(self, attempt: int | None = None) -> Self:
        return self.then(TaskRetried(actor=USER, attempt=attempt or self._attempt))
