"""The quickest way to many finished tasks: projects of a thousand, cancelled before they began."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from benchmarks.histories import ORGANIZATION
from events.body import Actor
from events.event import encode, new_event
from events.ids import log_key
from events.log import Message
from events.project_events import ProjectCancelRequested, ProjectCreated
from events.task_events import TaskSubmitted
from events.vocabulary import AnyBody

TASKS_PER_PROJECT = 1_000
EVENTS_PER_PROJECT = TASKS_PER_PROJECT + 2
_PROJECT = "eeeeeeeeee"
_TASK = "ffffffffff"
_WHO = Actor(kind="user", id="jo@example.com", organization=ORGANIZATION)


def finished_in_projects(tasks: int, *, first: int = 0) -> Iterator[Message]:
    """All events of so many tasks, rounded up to whole projects, and of their projects."""
    project = f"batch-{_PROJECT}"
    created = _encoded(project, 1, ProjectCreated(actor=_WHO))
    submitted = _encoded(
        f"{project}.task-{_TASK}",
        2,
        TaskSubmitted(actor=_WHO, project=project, kind="report.render", payload={"page": 1}),
    )
    cancelled = _encoded(project, 3, ProjectCancelRequested(actor=_WHO, reason="not needed"))
    for number in range(first, first - (-tasks // TASKS_PER_PROJECT)):
        digits = f"{number:010d}"
        key = log_key(ORGANIZATION, project.replace(_PROJECT, digits))
        begins, task, ends = (
            value.replace(_PROJECT.encode(), digits.encode())
            for value in (created, submitted, cancelled)
        )
        yield Message(key, begins)
        for index in range(TASKS_PER_PROJECT):
            unique = f"{number * TASKS_PER_PROJECT + index:010d}"
            yield Message(key, task.replace(_TASK.encode(), unique.encode()))
        yield Message(key, ends)


def _encoded(subject: str, step: int, body: AnyBody) -> bytes:
    digits = _TASK if _TASK in subject else _PROJECT
    return encode(
        new_event(
            body,
            id=UUID(f"019b0000-0008-7000-800{step}-00{digits}"),
            subject=subject,
            organization=ORGANIZATION,
            time=datetime(2026, 1, 1, tzinfo=UTC),
            source="benchmark",
        )
    )
