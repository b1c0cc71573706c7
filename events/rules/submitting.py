"""What may begin, and where."""

from collections.abc import Iterator

from events.event import Event
from events.ids import above, root_of
from events.outcome import Outcome, effective, void
from events.rules.stopping import never_started
from events.state import Root, TaskState
from events.task_events import TaskSubmitted
from events.words import ProjectStatus, Reason, Status


def submitted(root: Root, event: Event, body: TaskSubmitted) -> Outcome:
    taken = root.tasks.get(event.subject)
    if taken is not None:
        return void(Reason.DUPLICATE if taken.submission_id == event.id else Reason.ID_TAKEN)
    refusal = refused_from_above(root, event.subject, body)
    if refusal is not None:
        return void(refusal)
    own_root = root_of(event.subject)
    if any(root_of(dependency) != own_root for dependency in body.depends_on):
        return void(Reason.DEPENDENCY_ELSEWHERE)
    return begun(root, event, body)


def begun(root: Root, event: Event, body: TaskSubmitted) -> Outcome:
    """A new task; one that a cancel is held for never starts."""
    task = TaskState(event.subject, event.id, event.time, body, not_before=body.not_before)
    tombstone = root.tombstones.get(event.subject)
    if tombstone is None:
        return effective(task)
    if event.time < tombstone.hold_until:
        return effective(never_started(task, tombstone.cancel, event.time))
    return effective(task)._replace(refused=tombstone.cancel.id)


def refused_from_above(root: Root, subject: str, body: TaskSubmitted) -> Reason | None:
    """Why nothing may be submitted here, judged by what is above."""
    above_id = above(subject)
    project = root.project
    if body.project is not None:
        if project is None or project.id != body.project or above_id != body.project or body.parent:
            return Reason.UNKNOWN_PROJECT
        if project.status not in ACCEPTING:
            return Reason.ABOVE_FINISHED
        return Reason.PLAN_IS_FULL if project.complete else None
    if above_id != body.parent:
        return Reason.UNKNOWN_PARENT
    if body.parent is None:
        return Reason.ID_TAKEN if project is not None else None
    if body.parent not in root.tasks:
        return Reason.UNKNOWN_PARENT
    return Reason.ABOVE_FINISHED if ended_above(root, subject) else None


def ended_above(root: Root, subject: str) -> bool:
    """Whether something above has finished, or will only be cancelled."""
    if root.project is not None and root.project.status not in ACCEPTING:
        return True
    tasks = (root.tasks.get(ancestor_id) for ancestor_id in ancestors(subject))
    return any(task and (task.finished or task.status is Status.CANCELLING) for task in tasks)


ACCEPTING = frozenset(
    {
        ProjectStatus.PLANNING,
        ProjectStatus.PLANNED,
        ProjectStatus.EXECUTING,
        ProjectStatus.PAUSED,
    }
)


def ancestors(subject: str) -> Iterator[str]:
    """What is above, nearest first."""
    parent = above(subject)
    while parent is not None:
        yield parent
        parent = above(parent)
