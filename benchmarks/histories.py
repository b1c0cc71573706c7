"""Histories as a busy installation writes them: five events a task, many tasks at a time.

Of three tasks one is cancelled while it runs, one fails first and succeeds at the second attempt,
one waits for an approval. Each kind is encoded once; for each task the ids in its bytes are
replaced, which is what makes a million events affordable.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from events.body import Actor
from events.cancel_events import CancelObserved, CancelRequested, TaskCancelled
from events.event import encode, new_event
from events.ids import log_key
from events.log import Message
from events.run_events import TaskCompleted, TaskFailed, TaskResumed, TaskStarted, TaskWaiting
from events.task_events import TaskSubmitted
from events.vocabulary import AnyBody
from events.words import Evidence

ORGANIZATION = "acme"
EVENTS_PER_TASK = 5
ALIVE_AT_ONCE = 64
_NUMBER = "ffffffffff"
"""Ten digits, in every id and nowhere else, that are replaced by a task's number."""


def messages(tasks: int, *, first: int = 0) -> Iterator[Message]:
    """All events of so many tasks, in an order in which a log may have them."""
    numbers = iter(range(first, first + tasks))
    kinds = _kinds()
    while alive := list(islice(numbers, ALIVE_AT_ONCE)):
        for step in range(EVENTS_PER_TASK):
            for number in alive:
                digits = f"{number:010d}"
                key = log_key(ORGANIZATION, f"task-{digits}")
                template = kinds[number % len(kinds)][step]
                yield Message(key, template.replace(_NUMBER.encode(), digits.encode()))


def _kinds() -> list[list[bytes]]:
    who = Actor(kind="user", id="jo@example.com", organization=ORGANIZATION)
    executor = Actor(kind="executor", id="executor-1", organization=ORGANIZATION)
    submitted = TaskSubmitted(
        actor=who,
        kind="report.render",
        payload={"customer": "c-1027", "pages": [1, 2, 3], "options": {"format": "pdf"}},
        description="The monthly report",
        labels={"team": "billing", "priority": "low"},
        max_attempts=3,
        backoff_seconds=0,
    )
    run, next_run = _id(1), _id(2)
    started = TaskStarted(actor=executor, run_id=run, attempt=1, executor="executor-1")
    completed = TaskCompleted(actor=executor, run_id=run, result={"pages": 3})
    cancel = _id(2, kind=0)
    return [
        _encoded(
            0,
            submitted,
            started,
            CancelRequested(actor=who, reason="wrong customer"),
            CancelObserved(actor=executor, run_id=run, cancel_id=cancel),
            TaskCancelled(
                actor=executor, run_id=run, cancel_id=cancel, evidence=Evidence.ACKNOWLEDGED
            ),
        ),
        _encoded(
            1,
            submitted,
            started,
            TaskFailed(actor=executor, run_id=run, error="connection reset", error_type="OSError"),
            TaskStarted(actor=executor, run_id=next_run, attempt=2, executor="executor-1"),
            completed.model_copy(update={"run_id": next_run}),
        ),
        _encoded(
            2,
            submitted,
            started,
            TaskWaiting(actor=executor, run_id=run, wait=1, question="Send it?"),
            TaskResumed(actor=who, wait=1, answer=True),
            completed,
        ),
    ]


def _encoded(kind: int, *bodies: AnyBody) -> list[bytes]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        encode(
            new_event(
                body,
                id=_id(step, kind=kind),
                subject=f"task-{_NUMBER}",
                organization=ORGANIZATION,
                time=start + timedelta(milliseconds=137 * step),
                source="benchmark",
            )
        )
        for step, body in enumerate(bodies)
    ]


def _id(step: int, kind: int = 9) -> UUID:
    return UUID(f"019b0000-000{kind}-7000-800{step}-00{_NUMBER}")
