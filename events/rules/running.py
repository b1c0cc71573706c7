"""What a run may do, and what its executor's word is worth: only the current run counts."""

from datetime import datetime
from typing import assert_never

from events.cancel_events import CancelObserved, CancelUnconfirmed, TaskCancelled
from events.event import Event
from events.outcome import Outcome, effective, noted, void
from events.rules.ending import completed, failed, released
from events.rules.stopping import late_by, stopped
from events.run_events import (
    RunAdopted,
    RunAttached,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.state import Root, Run, TaskState
from events.vocabulary import RunBody
from events.words import Evidence, ProjectStatus, Reason, Status


def started(root: Root, task: TaskState, event: Event, body: TaskStarted) -> Outcome:
    if task.run is not None and task.run.id == body.run_id:
        return void(Reason.DUPLICATE)
    refusal = why_not_claimable(root, task, body.attempt, body.region, event.time)
    if refusal is not None:
        return void(refusal)
    run = Run(body.run_id, body.executor, event.time, body.remote)
    first_at = task.started_at or event.time
    return effective(task._replace(status=Status.RUNNING, run=run, started_at=first_at))


def why_not_claimable(
    root: Root, task: TaskState, attempt: int, region: str, now: datetime
) -> Reason | None:
    """Why a claim made now would be void; executors ask it too, before they append one."""
    if task.status is not Status.PENDING:
        return Reason.NOT_PENDING
    if attempt != task.attempt:
        return Reason.WRONG_ATTEMPT
    if region != task.spec.region:
        return Reason.WRONG_REGION
    project = root.project
    if project is not None:
        if project.status is not ProjectStatus.EXECUTING:
            return Reason.PROJECT_NOT_EXECUTING
        if not project.complete:
            return Reason.PROJECT_INCOMPLETE
    for dependency_id in task.spec.depends_on:
        dependency = root.tasks.get(dependency_id)
        if dependency is None or dependency.status not in (Status.SUCCEEDED, Status.SKIPPED):
            return Reason.DEPENDENCIES_UNMET
    if task.not_before is not None and now < task.not_before:
        return Reason.TOO_EARLY
    return None


def said_by_run(task: TaskState, event: Event, body: RunBody) -> Outcome:
    """What a run's executor says counts only for the run that the task has now."""
    if task.run is None or task.run.id != body.run_id:
        return void(Reason.NOT_CURRENT_RUN)
    if task.evidence is Evidence.PRESUMED:
        return after_presumed(task, body)
    if isinstance(body, CancelObserved | CancelUnconfirmed):
        return noted() if task.cancel is not None else void(Reason.NOT_CANCELLING)
    if task.finished:
        return void(Reason.ALREADY_FINISHED, late_by(task.finished_at, event.time))
    match body:
        case TaskCompleted():
            return completed(task, event, body)
        case TaskFailed():
            return failed(task, event, body)
        case TaskCancelled():
            if task.status is not Status.CANCELLING:
                return void(Reason.NOT_CANCELLING)
            return effective(stopped(task, body.evidence, event.time))
        case RunReleased():
            return released(task, event, body)
        case RunAttached():
            return attached(task, task.run, body)
        case RunAdopted():
            return adopted(task, task.run, body)
        case TaskWaiting():
            return waiting(task, body)
        case _:
            assert_never(body)


def after_presumed(task: TaskState, body: RunBody) -> Outcome:
    """That it was killed is what had been presumed; any other word says that it lived on."""
    if isinstance(body, TaskCancelled | RunReleased) and body.evidence is Evidence.KILLED:
        return noted(reason=Reason.AFTER_PRESUMED)
    return noted(task._replace(contradicted=True), reason=Reason.AFTER_PRESUMED)


def attached(task: TaskState, run: Run, body: RunAttached) -> Outcome:
    """The first handle stays: a remote engine knows a run by one, and a repeat may come late."""
    if run.handle is not None:
        return void(Reason.DUPLICATE)
    return noted(task._replace(run=run._replace(handle=body.handle)))


def adopted(task: TaskState, run: Run, body: RunAdopted) -> Outcome:
    if not run.remote:
        return void(Reason.NOT_REMOTE)
    if body.adoption != run.adoptions + 1 or body.from_executor != run.executor:
        return void(Reason.WRONG_COUNTER)
    taken_over = run._replace(executor=body.executor, adoptions=body.adoption)
    return effective(task._replace(run=taken_over))


def waiting(task: TaskState, body: TaskWaiting) -> Outcome:
    if task.status is Status.CANCELLING:
        return void(Reason.ALREADY_CANCELLING)
    if task.waiting_for == body.wait:
        return void(Reason.DUPLICATE)
    if body.wait != task.answered + 1:
        return void(Reason.WRONG_COUNTER)
    return effective(task._replace(status=Status.WAITING, waiting_for=body.wait))


def resumed(task: TaskState, body: TaskResumed) -> Outcome:
    if task.status is not Status.WAITING:
        return void(Reason.NOT_WAITING)
    if task.waiting_for != body.wait:
        return void(Reason.WRONG_COUNTER)
    return effective(
        task._replace(
            status=Status.RUNNING,
            waiting_for=None,
            answered=body.wait,
            answers=(*task.answers, body.answer),
        )
    )
