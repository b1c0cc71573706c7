"""What there is: tasks, projects, histories, receipts, now or as of then.

A read never shows an older state than this process has told anybody of; it waits for the read
models, bounded, and says so when it had to give up.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from events.cancel_events import CancelRequested
from events.ids import check_id, log_key, root_of
from events.positions import Frontier, Position, after, covers, reaches, written_frontier
from events.project_events import ProjectCancelRequested
from events.region_events import RequestAddressed
from events.words import Reason, Status
from services.operations import abroad
from services.operations.certainty import end_within, settled, why_not
from services.operations.event_types import check_types
from services.operations.receipts import Receipt, receipt_of_row, until_ended, with_moments
from services.operations.scope import Scope
from services.permissions import Permission
from services.read_models.questions import AsOf, HistoryFilter, ProjectFilter, TaskFilter
from services.read_models.rows import HistoryLine, Page, Project, Task
from services.refusals import Conflict, Invalid, NotFound


class Fresh(NamedTuple):
    """How far an answer can be trusted to be up to date."""

    behind: Frontier | None
    """What it should have covered and, after the wait was over, didn't; None: it did."""


UP_TO_DATE = Fresh(None)
Row = TypeVar("Row", Task, Project)
CANCELS = frozenset({CancelRequested.TYPE, ProjectCancelRequested.TYPE})


async def fresh(scope: Scope, subject: str | None) -> Fresh:
    """Wait until the read models show what this process, or the caller, knows of a subject.

    Without a subject: of everything.
    """
    parts = scope.parts
    wanted: dict[int, int] = dict(scope.told)
    if subject is None:
        for partition, offset in parts.verdicts.frontier.items():
            wanted[partition] = max(offset, wanted.get(partition, 0))
    else:
        latest = parts.verdicts.latest(log_key(scope.organization, root_of(subject)))
        if latest is not None:
            wanted = after(wanted, [latest])
    return await reached(scope, wanted)


async def reached(scope: Scope, wanted: Frontier) -> Fresh:
    known = scope.parts.reads.frontier()
    if all(covers(known, Position(p, offset - 1)) for p, offset in wanted.items() if offset):
        return UP_TO_DATE
    seconds = scope.parts.settings.read_wait_seconds
    if await scope.parts.reads.reached(wanted, seconds):
        return UP_TO_DATE
    return Fresh(wanted)


# ------------------------------------------------------------------------------------ one thing


async def task_known(scope: Scope, task_id: str) -> bool:
    """Whether this region decides about it."""
    task = scope.parts.verdicts.task(scope.organization, task_id)
    known = task or await find_task(scope, task_id)
    return known is not None and known.status is not Status.MOVED


async def project_known(scope: Scope, project_id: str) -> bool:
    if scope.parts.verdicts.project(scope.organization, project_id) is not None:
        return True
    return await find_project(scope, project_id) is not None


async def get_task(scope: Scope, task_id: str, as_of: AsOf | None = None) -> tuple[Task, Fresh]:
    scope.need(Permission.TASKS_READ)
    check_id(task_id)
    if as_of is None:
        judged = scope.parts.at_hand.task(scope.organization, task_id, scope.told)
        if judged is not None:
            return judged, UP_TO_DATE
    up_to_date = await fresh(scope, task_id) if as_of is None else await _past(scope, as_of)
    task = await find_task(scope, task_id, as_of)
    if task is None:
        raise NotFound("task", task_id)
    return task, up_to_date


async def get_project(
    scope: Scope, project_id: str, as_of: AsOf | None = None
) -> tuple[Project, Fresh]:
    scope.need(Permission.TASKS_READ)
    check_id(project_id)
    up_to_date = await fresh(scope, project_id) if as_of is None else await _past(scope, as_of)
    project = await find_project(scope, project_id, as_of)
    if project is None:
        raise NotFound("project", project_id)
    return project, up_to_date


async def find_fresh_task(scope: Scope, task_id: str) -> Task | None:
    await fresh(scope, task_id)
    return await find_task(scope, task_id)


async def find_fresh_project(scope: Scope, project_id: str) -> Project | None:
    await fresh(scope, project_id)
    return await find_project(scope, project_id)


async def find_task(scope: Scope, task_id: str, as_of: AsOf | None = None) -> Task | None:
    return await _surely(scope, task_id, partial(scope.view.task, task_id, as_of=as_of), _is_there)


async def find_project(scope: Scope, project_id: str, as_of: AsOf | None = None) -> Project | None:
    look = partial(scope.view.project, project_id, as_of=as_of)
    return await _surely(scope, project_id, look, _is_there)


async def _surely(
    scope: Scope,
    subject: str,
    look: Callable[[], Awaitable[Row | None]],
    sought: Callable[[Row | None], bool],
) -> Row | None:
    """What is there; that it isn't what is sought is only said by read models that have seen
    everything."""
    row = await look()
    if not sought(row):
        await settled(scope, subject)
        row = await look()
    return row


def _is_there(row: object) -> bool:
    return row is not None


async def _past(scope: Scope, as_of: AsOf) -> Fresh:
    """The past is known once the read models have got there. What the log hasn't reached is none:
    whatever was answered would be another answer later."""
    if isinstance(as_of, datetime):
        up_to_date = await fresh(scope, None)
        await no_future(scope, as_of)
        return up_to_date
    wanted = after({}, [as_of]) if isinstance(as_of, Position) else as_of
    await stands(scope, wanted, "as_of")
    return await reached(scope, wanted)


async def no_future(scope: Scope, time: datetime) -> None:
    """A time is over by our clock, or by that of the log, which may be ahead of ours."""
    now = scope.now()
    if time <= now:
        return
    if not (await scope.view.history(HistoryFilter(appended_from=time), limit=1)).rows:
        raise Invalid("as_of", f"that time is still to come: it is {now.isoformat()} here")


async def stands(scope: Scope, frontier: Frontier, field: str) -> None:
    """Refuse a point that the log hasn't reached: it is from another log, or made up."""
    if reaches(scope.parts.reads.frontier(), frontier):
        return
    end = await end_within(scope, scope.parts.log)
    if not reaches(end, frontier):
        raise Invalid(field, f"nothing stands there yet: the log ends at {written_frontier(end)}")


# -------------------------------------------------------------------------------------- many


async def list_tasks(
    scope: Scope, where: TaskFilter, cursor: str | None, limit: int, as_of: AsOf | None
) -> tuple[Page[Task], Fresh]:
    scope.need(Permission.TASKS_READ)
    up_to_date = await _fresh_as_of(scope, as_of)
    return await scope.view.tasks(where, cursor=cursor, limit=limit, as_of=as_of), up_to_date


async def list_projects(
    scope: Scope, where: ProjectFilter, cursor: str | None, limit: int, as_of: AsOf | None
) -> tuple[Page[Project], Fresh]:
    scope.need(Permission.TASKS_READ)
    up_to_date = await _fresh_as_of(scope, as_of)
    return await scope.view.projects(where, cursor=cursor, limit=limit, as_of=as_of), up_to_date


async def _fresh_as_of(scope: Scope, as_of: AsOf | None) -> Fresh:
    """A list spans partitions: those that its point of the past doesn't name are as they are."""
    up_to_date = await fresh(scope, None)
    if as_of is None or up_to_date.behind is not None:
        return up_to_date
    return await _past(scope, as_of)


async def list_history(
    scope: Scope,
    where: HistoryFilter,
    cursor: str | None,
    limit: int,
    newest_first: bool = False,
    start: Frontier | None = None,
) -> tuple[Page[HistoryLine], Fresh]:
    scope.need(Permission.TASKS_READ)
    check_types(where.types, "type")
    if start is not None:
        await stands(scope, start, "start")
    up_to_date = await fresh(scope, where.task or where.project or where.root)
    page = await scope.view.history(
        where, start=start, cursor=cursor, limit=limit, newest_first=newest_first
    )
    return page, up_to_date


# ------------------------------------------------------------------------------------ receipts


async def receipt_of_task(
    scope: Scope, task_id: str, event_id: UUID | None, wait_seconds: float
) -> Receipt:
    """The receipt of the cancel in force on a task, or of one that is named."""
    scope.need(Permission.TASKS_READ)
    check_id(task_id)
    if event_id is not None:
        receipt = await receipt_of(scope, event_id, wait_seconds)
        if receipt.subject != task_id:
            raise NotFound("receipt", str(event_id))
        return receipt
    with scope.parts.verdicts.watching(scope.organization, task_id) as watch:
        await fresh(scope, task_id)
        look = partial(scope.view.task, task_id)
        task = await _surely(scope, task_id, look, _has_cancel)
        if task is None or task.status is Status.MOVED:
            event_id = await _held_cancel(scope, task_id)
            return await receipt_of(scope, event_id, wait_seconds)
        if task.cancel is None:
            raise Conflict("no_cancel", "nobody has asked this task to stop")
        row = await scope.view.receipt(task.cancel.id)
        if row is None:
            raise why_not(scope, scope.parts.verdicts.frontier)
        receipt = receipt_of_row(row)._replace(
            subject=task.id,
            status=task.status,
            evidence=task.evidence,
            contradicted=task.contradicted,
        )
        receipt = with_moments(receipt, task.cancel)
        return receipt if receipt.ended else await until_ended(receipt, watch, wait_seconds)


async def receipt_of_project(scope: Scope, project_id: str, wait_seconds: float) -> Receipt:
    scope.need(Permission.TASKS_READ)
    check_id(project_id)
    await fresh(scope, project_id)
    look = partial(scope.view.project, project_id)
    project = await _surely(scope, project_id, look, _has_cancel)
    if project is None:
        raise NotFound("project", project_id)
    if project.cancel is None:
        raise Conflict("no_cancel", "nobody has asked this project to stop")
    return await receipt_of(scope, project.cancel.id, wait_seconds)


def _has_cancel(row: Task | Project | None) -> bool:
    """In its own rows, or in those of the region that it has moved to."""
    return row is not None and (row.cancel is not None or row.status == Status.MOVED)


async def receipt_of(scope: Scope, event_id: UUID, wait_seconds: float) -> Receipt:
    """The receipt of a cancel request, by the first line of the history that has it."""
    row = await scope.view.receipt(event_id)
    if row is None:
        await settled(scope)
        row = await scope.view.receipt(event_id)
    if row is None or row.line.event is None:
        raise NotFound("receipt", str(event_id))
    subject = row.line.event.subject
    body = row.line.event.data
    if isinstance(body, RequestAddressed) and body.request in CANCELS:
        return await abroad.receipt(scope, row.line.event, row.line.position, wait_seconds)
    if not isinstance(body, CancelRequested | ProjectCancelRequested):
        raise NotFound("receipt", str(event_id))
    if row.line.reason is Reason.MOVED:
        return await abroad.receipt(scope, row.line.event, row.line.position, wait_seconds)
    of_task = isinstance(body, CancelRequested)
    with scope.parts.verdicts.watching(scope.organization, subject) as watch:
        await fresh(scope, subject)
        row = await scope.view.receipt(event_id) or row
        receipt = receipt_of_row(row)
        if of_task:
            task = await scope.view.task(subject)
            if task is not None:
                receipt = receipt._replace(
                    status=task.status, evidence=task.evidence, contradicted=task.contradicted
                )
        else:
            project = await scope.view.project(subject)
            if project is not None:
                receipt = receipt._replace(status=project.status)
        if receipt.ended or receipt.held_until is not None:
            return receipt
        return await until_ended(receipt, watch, wait_seconds)


async def _held_cancel(scope: Scope, task_id: str) -> UUID:
    where = HistoryFilter(task=task_id, types=[CancelRequested.TYPE, RequestAddressed.TYPE])
    page = await scope.view.history(where, limit=100, newest_first=True)
    for line in page.rows:
        body = line.event and line.event.data
        if line.event is not None and (
            isinstance(body, CancelRequested)
            or (isinstance(body, RequestAddressed) and body.request in CANCELS)
        ):
            return line.event.id
    raise NotFound("task", task_id)
