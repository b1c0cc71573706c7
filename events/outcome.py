"""What the fold says of an event: its verdict, and the changes it makes. Never a copy of a root."""

from typing import NamedTuple
from uuid import UUID

from events.ids import above
from events.state import (
    REFUSALS_REMEMBERED,
    TOMBSTONES_HELD,
    ProjectState,
    Root,
    TaskState,
    Tombstone,
    expired,
)
from events.words import TERMINAL, Reason, Verdict


class Outcome(NamedTuple):
    """A verdict with its reason, and the values that replace those in the root."""

    verdict: Verdict
    reason: Reason | None = None
    late_seconds: float | None = None
    """By how much a request missed its task's end."""
    tasks: tuple[TaskState, ...] = ()
    project: ProjectState | None = None
    tombstone: Tombstone | None = None
    refused: UUID | None = None
    """The request that does nothing any more, when it is repeated."""
    home: str | None = None
    """The region that decides about this root from now on."""
    moves: int | None = None
    """How often it has moved. When this is said, no `home` means this region."""


def effective(
    *tasks: TaskState, project: ProjectState | None = None, tombstone: Tombstone | None = None
) -> Outcome:
    return Outcome(Verdict.EFFECTIVE, tasks=tasks, project=project, tombstone=tombstone)


def noted(*tasks: TaskState, reason: Reason | None = None) -> Outcome:
    return Outcome(Verdict.NOTED, reason, tasks=tasks)


def void(reason: Reason, late_seconds: float | None = None) -> Outcome:
    return Outcome(Verdict.VOID, reason, late_seconds)


def apply(root: Root, outcome: Outcome) -> None:
    """Put the changes into the root."""
    if outcome.project is not None:
        root.project = outcome.project
    for task in outcome.tasks:
        before = root.tasks.get(task.id)
        if before is None:
            root.tombstones.pop(task.id, None)
            parent = above(task.id)
            if parent is not None:
                root.below.setdefault(parent, []).append(task.id)
            root.unfinished += task.status not in TERMINAL
        else:
            root.unfinished += (task.status not in TERMINAL) - (before.status not in TERMINAL)
        root.tasks[task.id] = task
    if outcome.tombstone is not None:
        if len(root.tombstones) >= TOMBSTONES_HELD:
            for over in expired(root, outcome.tombstone.cancel.requested_at):
                refuse(root, root.tombstones.pop(over.task_id).cancel.id)
        root.tombstones[outcome.tombstone.task_id] = outcome.tombstone
    if outcome.refused is not None:
        refuse(root, outcome.refused)
    if outcome.moves is not None:
        root.home, root.moves = outcome.home, outcome.moves
    elif outcome.home is not None:
        root.home = outcome.home


def refuse(root: Root, request: UUID) -> None:
    """Remember a request that does nothing, and forget the oldest beyond the limit."""
    root.refused[request] = None
    if len(root.refused) > REFUSALS_REMEMBERED:
        del root.refused[next(iter(root.refused))]
