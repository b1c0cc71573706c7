"""Rows as they come from the tables, turned into answers."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from events.cancel_events import CancelRequested
from events.ids import root_of
from events.project_events import ProjectCancelRequested, ProjectCreated
from events.region_events import RootTakenOver
from events.run_events import TaskCompleted
from events.task_events import TaskSubmitted
from events.words import Evidence, Origin, ProjectStatus, Status
from projections.moments import moment, moment_or_none
from projections.place import Place, position
from services.read_models.remembering import remembered
from services.read_models.rows import CancelInForce, Project, Task


class TaskAfter(NamedTuple):
    """The columns of `tables.task_after`, in their order."""

    status: str
    evidence: str | None
    attempt: int
    failures: int
    not_before_us: int | None
    waiting_for: int | None
    answered: int
    run_id: str | None
    executor: str | None
    started_us: int | None
    finished_us: int | None
    cancel_id: str | None
    cancel_grace_seconds: float | None
    cancel_requested_us: int | None
    contradicted: int


class ProjectAfter(NamedTuple):
    """The columns of `tables.project_after`, in their order."""

    status: str
    plan: int
    planned_tasks: int
    pauses: int
    arrived: int
    unfinished: int
    active: int
    failed: int
    started_us: int | None
    finished_us: int | None
    cancel_id: str | None
    cancel_grace_seconds: float | None
    cancel_requested_us: int | None


class Ending(NamedTuple):
    """What its runs left."""

    result: Any
    error: str | None
    error_type: str | None


class Noticed(NamedTuple):
    """What was noted while it was stopping."""

    observed_us: int | None = None
    unconfirmed_us: int | None = None


def task(
    organization: str,
    id: str,
    submitted: bytes,
    after: TaskAfter,
    ending: Ending,
    cancel: CancelInForce | None,
    changed: Place,
) -> Task:
    event = remembered(submitted)
    body = event.data
    spec = body.task if isinstance(body, RootTakenOver) else body
    assert isinstance(spec, TaskSubmitted)
    return Task(
        organization=organization,
        id=id,
        root=root_of(id),
        spec=spec,
        submission_id=event.id,
        created_by=spec.actor,
        created_at=event.time,
        status=Status(after.status),
        evidence=None if after.evidence is None else Evidence(after.evidence),
        attempt=after.attempt,
        failures=after.failures,
        not_before=moment_or_none(after.not_before_us),
        waiting_for=after.waiting_for,
        answered=after.answered,
        run_id=None if after.run_id is None else UUID(after.run_id),
        executor=after.executor,
        started_at=moment_or_none(after.started_us),
        finished_at=moment_or_none(after.finished_us),
        result=ending.result,
        error=ending.error,
        error_type=ending.error_type,
        contradicted=after.contradicted != 0,
        cancel=cancel,
        position=position(changed),
    )


def project(
    organization: str,
    id: str,
    created: bytes,
    after: ProjectAfter,
    cancel: CancelInForce | None,
    changed: Place,
) -> Project:
    event = remembered(created)
    spec = event.data
    assert isinstance(spec, ProjectCreated)
    return Project(
        organization=organization,
        id=id,
        spec=spec,
        creation_id=event.id,
        created_by=spec.actor,
        created_at=event.time,
        status=ProjectStatus(after.status),
        plan=after.plan,
        planned_tasks=after.planned_tasks,
        pauses=after.pauses,
        arrived=after.arrived,
        unfinished=after.unfinished,
        active=after.active,
        failed=after.failed,
        started_at=moment_or_none(after.started_us),
        finished_at=moment_or_none(after.finished_us),
        cancel=cancel,
        position=position(changed),
    )


def cancel_in_force(
    asked: bytes,
    grace_seconds: float | None,
    requested_us: int,
    noticed: Noticed,
    stopped_us: int | None,
) -> CancelInForce:
    """By the bytes of the request that is in force."""
    event = remembered(asked)
    body = event.data
    assert isinstance(body, CancelRequested | ProjectCancelRequested)
    return CancelInForce(
        id=event.id,
        subject=event.subject,
        mode=body.mode,
        grace_seconds=grace_seconds,
        origin=body.origin if isinstance(body, CancelRequested) else Origin.REQUEST,
        actor=body.actor,
        reason=body.reason,
        requested_at=moment(requested_us),
        observed_at=moment_or_none(noticed.observed_us),
        unconfirmed_at=moment_or_none(noticed.unconfirmed_us),
        stopped_at=moment_or_none(stopped_us),
    )


def result_in(completed: bytes) -> Any:
    body = remembered(completed).data
    return body.result if isinstance(body, TaskCompleted) else None


def read_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
