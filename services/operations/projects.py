"""A project's life: created with its tasks, planned, approved, paused, resumed."""

from collections.abc import Mapping

from events.errors import InvalidId
from events.event import Event
from events.ids import check_id
from events.project_events import (
    ProjectApproved,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.state import ProjectState
from events.task_events import TaskSubmitted
from events.vocabulary import AnyBody
from events.words import Reason, Verdict
from services.operations import abroad, looking
from services.operations.dependencies import check_dependencies
from services.operations.requests import (
    PauseNumber,
    PlanNumber,
    PlanRequest,
    ProjectRequest,
    ProjectTask,
)
from services.operations.scope import Scope, Undecided
from services.operations.submitting import sealed
from services.permissions import Permission
from services.read_models.rows import Project
from services.refusals import Conflict, Invalid, NotFound, TooLarge


async def create_project(scope: Scope, request: ProjectRequest) -> Project | Undecided:
    """All its events in one append, in the order in which they are to be judged."""
    scope.need(Permission.TASKS_SUBMIT)
    limit = scope.parts.settings.batch_limit_tasks
    if len(request.tasks) > limit:
        raise TooLarge("tasks in one request", limit)
    for region in {request.region, *(task.region for task in request.tasks)}:
        if abroad.named(scope, region) is not None:
            raise Invalid("region", f"create the project in region {region!r} itself")
    project_id = request.id or scope.new_subject_id("project")
    events, secrets = _creation(scope, project_id, request)
    check_dependencies(events, scope.task_at_hand)
    events = await sealed(scope, events, secrets)
    with scope.parts.verdicts.expecting_all([event.id for event in events]) as heard:
        await scope.append(events)
        if not await heard.complete(scope.parts.settings.verdict_wait_seconds):
            return Undecided(project_id)
    repeated = heard.entries[events[0].id].outcome.reason is Reason.DUPLICATE
    for event in () if repeated else events:
        outcome = heard.entries[event.id].outcome
        if outcome.verdict is Verdict.VOID and outcome.reason is not Reason.DUPLICATE:
            raise Conflict(
                outcome.reason or "void", f"{event.subject!r} ({event.type}): {outcome.reason}"
            )
    return await looking.find_fresh_project(scope, project_id) or Undecided(project_id)


def _creation(
    scope: Scope, project_id: str, request: ProjectRequest
) -> tuple[list[Event], list[Mapping[str, str]]]:
    """The events, and what each of them is to keep secret."""
    actor, reason = scope.actor, request.reason
    region = request.region or scope.parts.region
    created = ProjectCreated(
        actor=actor,
        reason=reason,
        title=request.title,
        description=request.description,
        labels=request.labels,
        region=region,
    )
    events = [scope.event(created, project_id)]
    taken = set()
    for number, task in enumerate(request.tasks):
        task_id = _below(project_id, task.id or scope.new_subject_id("task", number))
        if task_id in taken:
            raise Invalid(f"tasks.{number}.id", "twice in one project")
        taken.add(task_id)
        events.append(scope.event(_submission(scope, project_id, region, task), task_id, number))
    planned = bool(request.tasks) if request.planned is None else request.planned
    if planned:
        plan = ProjectPlanned(actor=actor, reason=reason, plan=1, tasks=len(request.tasks))
        events.append(scope.event(plan, project_id))
    if request.approved:
        if not planned:
            raise Invalid("approved", "a project without a plan can't be approved: add tasks")
        approved = ProjectApproved(actor=actor, reason=reason, plan=1)
        events.append(scope.event(approved, project_id))
    secrets: list[Mapping[str, str]] = [{}, *(task.secrets for task in request.tasks)]
    return events, secrets + [{}] * (len(events) - len(secrets))


def _submission(scope: Scope, project_id: str, region: str, task: ProjectTask) -> TaskSubmitted:
    fields = dict(task)
    del fields["id"], fields["secrets"]
    fields["region"] = task.region or region
    fields["depends_on"] = tuple(_below(project_id, each) for each in task.depends_on)
    return TaskSubmitted(actor=scope.actor, project=project_id, **fields)


def _below(project_id: str, id: str) -> str:
    full = id if id.startswith(f"{project_id}.") else f"{project_id}.{id}"
    try:
        return check_id(full)
    except InvalidId as error:
        raise Invalid("tasks.id", error.why) from error


# ------------------------------------------------------------------------------------- steering


async def plan(scope: Scope, project_id: str, request: PlanRequest) -> Project | None:
    """None, here and below: durable, but not decided yet."""
    project = await _project(scope, project_id)
    number = request.plan or project.plan + 1
    tasks = project.arrived if request.tasks is None else request.tasks
    body = ProjectPlanned(actor=scope.actor, reason=request.reason, plan=number, tasks=tasks)
    return await _steer(scope, project_id, body, number)


async def approve_plan(scope: Scope, project_id: str, request: PlanNumber) -> Project | None:
    project = await _project(scope, project_id)
    number = request.plan or project.plan or 1
    body = ProjectApproved(actor=scope.actor, reason=request.reason, plan=number)
    return await _steer(scope, project_id, body, number)


async def pause(scope: Scope, project_id: str, request: PauseNumber) -> Project | None:
    project = await _project(scope, project_id)
    number = request.pause or project.pauses + 1
    body = ProjectPaused(actor=scope.actor, reason=request.reason, pause=number)
    return await _steer(scope, project_id, body, number)


async def resume(scope: Scope, project_id: str, request: PauseNumber) -> Project | None:
    project = await _project(scope, project_id)
    number = request.pause or project.pauses or 1
    body = ProjectResumed(actor=scope.actor, reason=request.reason, pause=number)
    return await _steer(scope, project_id, body, number)


async def _project(scope: Scope, project_id: str) -> ProjectState | Project:
    scope.need(Permission.TASKS_STEER)
    known = scope.parts.verdicts.project(scope.organization, project_id)
    if known is not None:
        return known
    project = await looking.find_fresh_project(scope, project_id)
    if project is None:
        raise NotFound("project", project_id)
    return project


async def _steer(scope: Scope, project_id: str, body: AnyBody, number: int) -> Project | None:
    judged = await scope.say(scope.event(body, project_id))
    if judged.verdict is None:
        return None
    if judged.refused:
        raise Conflict(judged.reason or "void", TEXTS.get(judged.reason, "not now"))
    return await looking.find_fresh_project(scope, project_id)


TEXTS: dict[Reason | None, str] = {
    Reason.WRONG_PROJECT_STATUS: "the project isn't in the state that this needs",
    Reason.WRONG_COUNTER: "this is about another plan or pause than the current one",
    Reason.UNKNOWN_PROJECT: "there is no such project",
}
