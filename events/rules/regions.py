"""Requests for another region, which are accepted here and decided there; and roots that move."""

from events.event import Event
from events.outcome import Outcome, effective, noted, void
from events.project_events import ProjectCreated
from events.region_events import RequestAddressed, RootHandedOver, RootTakenOver
from events.rules.stopping import late_by
from events.rules.submitting import begun
from events.state import Root, TaskState
from events.task_events import TaskSubmitted
from events.words import Reason, Status

BEGINNINGS = frozenset({TaskSubmitted.TYPE, ProjectCreated.TYPE, RootHandedOver.TYPE})


def addressed(root: Root, body: RequestAddressed) -> Outcome:
    """Kept for the bridge. Its repeat is kept, too: the home region knows both by one id.

    What was sent elsewhere to begin there can't begin here as well. What was asked of its home, to
    be taken over here, can't either: so nothing is in its way when it comes.
    """
    if is_decided_here(root):
        return void(Reason.WRONG_REGION)
    if body.request == RootHandedOver.TYPE and root.home not in (None, body.home):
        return void(Reason.WRONG_REGION)
    if root.home is None and body.request in BEGINNINGS:
        return noted()._replace(home=body.home)
    return noted()


def is_decided_here(root: Root) -> bool:
    """Something has begun here, and hasn't moved away."""
    return root.home is None and bool(root.tasks or root.project is not None)


def elsewhere(root: Root) -> Outcome:
    """What is said of a root that another region decides about."""
    return void(Reason.MOVED if root.moves else Reason.WRONG_REGION)


def handed_over(root: Root, event: Event, body: RootHandedOver) -> Outcome:
    task = root.tasks.get(event.subject)
    if task is None:
        return void(Reason.UNKNOWN_TASK)
    if task.finished:
        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))
    if task.status is not Status.PENDING:
        return void(Reason.NOT_PENDING)
    if body.task != task.spec or body.move != root.moves + 1 or not may_move(root, task, event):
        return void(Reason.NOT_MOVABLE)
    moved = task._replace(status=Status.MOVED, finished_at=event.time)
    return effective(moved)._replace(home=body.to, moves=body.move, refused=event.id)


def may_move(root: Root, task: TaskState, event: Event) -> bool:
    """One task that has never run and has nothing that only its home has: so a move carries all of
    it, and no run of it was ever anywhere else."""
    alone = len(root.tasks) == 1 and root.project is None
    held = any(event.time < held.hold_until for held in root.tombstones.values())
    return alone and not held and task.attempt == 1 and task.spec.secrets_key_id is None


def taken_over(root: Root, event: Event, body: RootTakenOver) -> Outcome:
    if body.move <= root.moves:
        return void(Reason.DUPLICATE)
    before = root.tasks.get(event.subject)
    if is_decided_here(root):
        return void(Reason.ID_TAKEN)
    if before is not None:
        outcome = effective(before._replace(status=Status.PENDING, finished_at=None))
    else:
        outcome = begun(root, event, body.task)
    return outcome._replace(moves=body.move)
