"""Ways on that somebody asks for: leave a task out, or try a failed one once more."""

from events.event import Event
from events.outcome import Outcome, effective, void
from events.rules.ending import again
from events.rules.submitting import ACCEPTING, ended_above
from events.state import Root, TaskState
from events.task_events import TaskRetried, TaskSkipped
from events.words import Reason, Status


def skipped(root: Root, task: TaskState, event: Event, body: TaskSkipped) -> Outcome:
    if root.project is None:
        return void(Reason.UNKNOWN_PROJECT)
    if root.project.status not in ACCEPTING:
        return void(Reason.ABOVE_FINISHED)
    if task.status not in (Status.PENDING, Status.FAILED):
        return void(Reason.NOT_SKIPPABLE)
    if body.attempt != task.attempt:
        return void(Reason.WRONG_ATTEMPT)
    return effective(task._replace(status=Status.SKIPPED, finished_at=event.time))


def retried(root: Root, task: TaskState, event: Event, body: TaskRetried) -> Outcome:
    if task.status is not Status.FAILED:
        return void(Reason.NOT_FAILED)
    if body.attempt != task.attempt:
        return void(Reason.WRONG_ATTEMPT)
    if ended_above(root, task.id):
        return void(Reason.ABOVE_FINISHED)
    return effective(again(task))
