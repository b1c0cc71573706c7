"""Cancels of tasks: down to everything below, and ahead of a task that isn't there."""

from collections.abc import Iterator

from events.cancel_events import CancelOverran, CancelRequested
from events.event import Event
from events.outcome import Outcome, effective, noted, void
from events.rules.ending import after
from events.rules.stopping import cancel_by, late_by, of_task, stop, tightened
from events.state import TOMBSTONES_HELD, Root, TaskState, Tombstone, expired
from events.words import Evidence, Reason


def cancel_requested(root: Root, event: Event, body: CancelRequested) -> Outcome:
    if body.expires_at is not None and event.time > body.expires_at:
        return void(Reason.EXPIRED)
    task = root.tasks.get(event.subject)
    if task is None:
        return ahead_of_its_task(root, event, body)
    if task.cancel is not None and task.cancel.id == event.id:
        return void(Reason.DUPLICATE)
    if task.finished:
        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))
    cancel = cancel_by(event, body)
    if tightened(task.cancel, of_task(cancel, task)) is None:
        return void(Reason.ALREADY_CANCELLING)
    changed = (stop(each, cancel, event.time) for each in with_all_below(root, task))
    return effective(*(each for each in changed if each is not None))


def ahead_of_its_task(root: Root, event: Event, body: CancelRequested) -> Outcome:
    held = root.tombstones.get(event.subject)
    if held is not None and held.cancel.id == event.id:
        return void(Reason.DUPLICATE)
    if body.hold_until is None or (root.project is not None and root.project.id == event.subject):
        return void(Reason.UNKNOWN_TASK)
    if body.hold_until <= event.time:
        return void(Reason.EXPIRED)
    tombstone = Tombstone(event.subject, cancel_by(event, body), body.hold_until)
    if held is not None:
        if held.hold_until >= body.hold_until:
            return void(Reason.ALREADY_CANCELLING)
        return effective(tombstone=tombstone)._replace(refused=held.cancel.id)
    if len(root.tombstones) >= TOMBSTONES_HELD and not expired(root, event.time):
        return void(Reason.TOO_MANY_HELD)
    return effective(tombstone=tombstone)


def with_all_below(root: Root, task: TaskState) -> Iterator[TaskState]:
    waiting_ids = [task.id]
    while waiting_ids:
        each_id = waiting_ids.pop()
        yield root.tasks[each_id]
        waiting_ids.extend(root.below.get(each_id, ()))


def closed(task: TaskState) -> Outcome:
    """An executor notes that a task which was cancelled while pending never started."""
    if task.evidence is not Evidence.NEVER_STARTED:
        return void(Reason.NOT_CANCELLING)
    if task.closed:
        return void(Reason.DUPLICATE)
    return noted(task._replace(closed=True), reason=Reason.CLOSES_HISTORY)


def overran(task: TaskState, event: Event, body: CancelOverran) -> Outcome:
    """Whoever says it may be late, or say it twice: it counts once, and only where it is true."""
    if task.run is None or task.run.id != body.run_id:
        return void(Reason.NOT_CURRENT_RUN)
    if task.cancel is None:
        return void(Reason.NOT_CANCELLING)
    due = after(task.cancel.requested_at, body.stop_within_seconds)
    if task.finished_at is not None and task.finished_at <= due:
        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))
    if event.time < due:
        return void(Reason.TOO_EARLY)
    if task.overran:
        return void(Reason.DUPLICATE)
    return noted(task._replace(overran=True))
