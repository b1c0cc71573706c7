"""The one table: what each event does, given everything before it in its root's history.

`evolve` is pure, total and deterministic, and never raises. A rule never changes for events that
have been written: a changed rule is a new event version with a branch of its own.
"""

from typing import assert_never

from events.cancel_events import (
    CancelDenied,
    CancelObserved,
    CancelOverran,
    CancelRequested,
    CancelUnconfirmed,
    TaskCancelled,
)
from events.event import Event
from events.executor_events import ExecutorSteered
from events.outcome import Outcome, noted, void
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.region_events import RequestAddressed, RootHandedOver, RootTakenOver
from events.rules.cancelling import cancel_requested, closed, overran
from events.rules.ending import lost
from events.rules.projects import (
    project_cancel_requested,
    project_created,
    project_steered,
    settled,
)
from events.rules.regions import addressed, elsewhere, handed_over, taken_over
from events.rules.reviving import retried, skipped
from events.rules.running import resumed, said_by_run, started
from events.rules.submitting import submitted
from events.run_events import (
    RunAdopted,
    RunAttached,
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.state import Root, TaskState
from events.task_events import TaskOutput, TaskProgressed, TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import KnownTaskBody
from events.words import Reason, Verdict


def evolve(root: Root, event: Event) -> Outcome:
    """The verdict on this event, and the changes it makes to its root."""
    if event.id in root.refused:
        return void(Reason.DUPLICATE)
    outcome = judge(root, event)
    if outcome.verdict is Verdict.VOID:
        if isinstance(event.data, REQUESTS) and outcome.reason is not Reason.DUPLICATE:
            return outcome._replace(refused=event.id)
        return outcome
    return settled(root, event, outcome)


REQUESTS = (
    TaskSubmitted,
    CancelRequested,
    TaskSkipped,
    TaskRetried,
    TaskResumed,
    ProjectCreated,
    ProjectPlanned,
    ProjectApproved,
    ProjectPaused,
    ProjectResumed,
    ProjectCancelRequested,
    RootHandedOver,
)
"""What callers ask for. Facts of runs need no memory of refusals: they name their run."""


ANYWHERE = (RequestAddressed, RootTakenOver, CancelDenied, ExecutorSteered)
"""What may be said of a root whose home is another region."""


def judge(root: Root, event: Event) -> Outcome:
    """The table itself; what follows from it for the project comes after, in `settled`.

    The most frequent events stand first: every case that doesn't fit costs time.
    """
    body = event.data
    if root.home is not None and not isinstance(body, ANYWHERE):
        return elsewhere(root)
    match body:
        case TaskSubmitted():
            return submitted(root, event, body)
        case (
            TaskStarted()
            | TaskCompleted()
            | TaskFailed()
            | TaskCancelled()
            | CancelObserved()
            | CancelUnconfirmed()
            | RunReleased()
            | RunLost()
            | RunAttached()
            | RunAdopted()
            | TaskWaiting()
            | TaskResumed()
            | TaskSkipped()
            | TaskRetried()
            | CancelOverran()
        ):
            task = root.tasks.get(event.subject)
            return judge_known(root, task, event, body) if task else void(Reason.UNKNOWN_TASK)
        case CancelRequested():
            return cancel_requested(root, event, body)
        case ProjectCreated():
            return project_created(root, event, body)
        case ProjectPlanned() | ProjectApproved() | ProjectPaused() | ProjectResumed():
            return project_steered(root, event, body)
        case ProjectCancelRequested():
            return project_cancel_requested(root, event, body)
        case RequestAddressed():
            return addressed(root, body)
        case RootHandedOver():
            return handed_over(root, event, body)
        case RootTakenOver():
            return taken_over(root, event, body)
        case CancelDenied() | ExecutorSteered() | TaskProgressed() | TaskOutput():
            return noted()
        case _:
            assert_never(body)


def judge_known(root: Root, task: TaskState, event: Event, body: KnownTaskBody) -> Outcome:
    """The part of the table that is about a task which must be there."""
    match body:
        case TaskStarted():
            return started(root, task, event, body)
        case TaskCancelled(run_id=None):
            return closed(task)
        case (
            TaskCompleted()
            | TaskFailed()
            | TaskCancelled()
            | CancelObserved()
            | CancelUnconfirmed()
            | RunReleased()
            | RunAttached()
            | RunAdopted()
            | TaskWaiting()
        ):
            return said_by_run(task, event, body)
        case RunLost():
            return lost(task, event, body)
        case CancelOverran():
            return overran(task, event, body)
        case TaskResumed():
            return resumed(task, body)
        case TaskSkipped():
            return skipped(root, task, event, body)
        case TaskRetried():
            return retried(root, task, event, body)
        case _:
            assert_never(body)
