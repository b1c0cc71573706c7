"""What may begin, and where."""

from collections.abc import Iterator

from events.event import Event
from events.ids import above
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
    task = TaskState(event.subject, event.id, event.time, body, not_before=body.not_before)
    tombstone = root.tombstones.get(event.subject)
    if tombstone is not None and event.time < tombstone.hold_until:
        task = never_started(task, tombstone.cancel, event.time)
    return effective(task)


def refused_from_above(root: Root, subject: str, body: TaskSubmitted) -> Reason | None:
    """Why nothing may be submitted here, judged by what is above."""
    parent_id = above(subject)
    if (body.parent or body.project) != parent_id or (body.parent and body.project):
        return Reason.UNKNOWN_PARENT
    project = root.project
    if parent_id is None:
        return Reason.ID_TAKEN if project is not None else None
    if project is not None and project.status not in ACCEPTING:
        return Reason.ABOVE_FINISHED
    if body.project is not None:
        if project is None or project.id != parent_id:
            return Reason.UNKNOWN_PROJECT
        return Reason.PLAN_IS_FULL if project.complete else None
    for ancestor_id in ancestors(subject):
        ancestor = root.tasks.get(ancestor_id)
        if ancestor is None:
            if project is not None and ancestor_id == project.id:
                return None
            return Reason.UNKNOWN_PARENT
        if ancestor.finished or ancestor.status is Status.CANCELLING:
            return Reason.ABOVE_FINISHED
    return None


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
