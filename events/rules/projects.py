"""A project's own life: planned, approved, paused, cancelled, and completed by its tasks."""

from datetime import datetime
from typing import assert_never

from events.event import Event
from events.ids import above
from events.outcome import Outcome, effective, void
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.rules.stopping import cancel_by, late_by, stop, tightened
from events.state import Cancel, ProjectState, Root, TaskState
from events.words import ProjectStatus, Reason, Status


def project_created(root: Root, event: Event, body: ProjectCreated) -> Outcome:
    if root.project is not None:
        same = root.project.creation_id == event.id
        return void(Reason.DUPLICATE if same else Reason.ID_TAKEN)
    if root.tasks or above(event.subject) is not None:
        return void(Reason.ID_TAKEN)
    return effective(project=ProjectState(event.subject, event.id, event.time, body))


def project_steered(
    root: Root,
    event: Event,
    body: ProjectPlanned | ProjectApproved | ProjectPaused | ProjectResumed,
) -> Outcome:
    project = root.project
    if project is None or project.id != event.subject:
        return void(Reason.UNKNOWN_PROJECT)
    match body:
        case ProjectPlanned():
            allowed = project.status in (ProjectStatus.PLANNING, ProjectStatus.PLANNED)
            right_number = body.plan == project.plan + 1 and body.tasks >= project.arrived
            then = project._replace(
                status=ProjectStatus.PLANNED, plan=body.plan, planned_tasks=body.tasks
            )
        case ProjectApproved():
            allowed = project.status is ProjectStatus.PLANNED
            right_number = body.plan == project.plan
            then = project._replace(status=ProjectStatus.EXECUTING, started_at=event.time)
        case ProjectPaused():
            allowed = project.status is ProjectStatus.EXECUTING
            right_number = body.pause == project.pauses + 1
            then = project._replace(status=ProjectStatus.PAUSED, pauses=body.pause)
        case ProjectResumed():
            allowed = project.status is ProjectStatus.PAUSED
            right_number = body.pause == project.pauses
            then = project._replace(status=ProjectStatus.EXECUTING)
        case _:
            assert_never(body)
    if not allowed:
        return void(Reason.WRONG_PROJECT_STATUS)
    return effective(project=then) if right_number else void(Reason.WRONG_COUNTER)


def project_cancel_requested(root: Root, event: Event, body: ProjectCancelRequested) -> Outcome:
    project = root.project
    if project is None or project.id != event.subject:
        return void(Reason.UNKNOWN_PROJECT)
    if project.cancel is not None and project.cancel.id == event.id:
        return void(Reason.DUPLICATE)
    if project.finished:
        return void(Reason.ALREADY_FINISHED, late_by(project.finished_at, event.time))
    cancel = cancel_by(event, body)
    in_force = tightened(project.cancel, cancel)
    if in_force is None:
        return void(Reason.ALREADY_CANCELLING)
    changed = (stop_in_project(task, cancel, event.time) for task in root.tasks.values())
    return effective(
        *(task for task in changed if task is not None),
        project=project._replace(status=ProjectStatus.CANCELLING, cancel=in_force),
    )


def stop_in_project(task: TaskState, cancel: Cancel, now: datetime) -> TaskState | None:
    """What runs stops; what waits to start is skipped."""
    if task.status is Status.PENDING:
        return task._replace(status=Status.SKIPPED, cancel=cancel, finished_at=now)
    return stop(task, cancel, now)


def settled(root: Root, event: Event, outcome: Outcome) -> Outcome:
    """The outcome with what follows from it for the project: its counts, and its end."""
    project = outcome.project or root.project
    if project is None:
        return outcome
    project = project.counting(root.tasks, outcome.tasks)
    if project.status is ProjectStatus.CANCELLING and project.active == 0:
        project = project._replace(status=ProjectStatus.CANCELLED, finished_at=event.time)
    elif (
        project.status in (ProjectStatus.EXECUTING, ProjectStatus.PAUSED)
        and project.complete
        and project.unfinished == 0
        and project.failed == 0
    ):
        project = project._replace(status=ProjectStatus.COMPLETED, finished_at=event.time)
    return outcome if project == root.project else outcome._replace(project=project)
