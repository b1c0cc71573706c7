"""Cancel many tasks: look first, then cancel exactly what was seen, and say what came of each."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple, TypeVar

import sqlalchemy as sa

from events.positions import written_frontier
from services.bulk_canceller import BulkCanceller, Item, item_of
from services.control_store import ControlStore
from services.control_store import bulk_cancels as kept
from services.control_store.bulk_cancels import Job, Orders, Place
from services.operations import looking
from services.operations.bulk_requests import BulkCancelRequest, BulkPreviewRequest
from services.operations.certainty import settled
from services.operations.scope import Scope
from services.permissions import Permission
from services.read_models.rows import Receipt
from services.read_models.selection import Chosen
from services.refusals import Conflict, Invalid, NotFound, TooLarge, TooMany, Unavailable
from services.settings import BulkSettings

T = TypeVar("T")

LISTED_LIMIT = 100


@dataclass(frozen=True, slots=True)
class BulkParts:
    """What these operations need beside a scope."""

    store: ControlStore
    canceller: BulkCanceller
    settings: BulkSettings

    async def ask(self, do: Callable[[sa.Connection], T]) -> T:
        try:
            return await self.store.ask(do)
        except sa.exc.OperationalError as error:
            raise Unavailable("the control store can't be reached: try again") from error


class Preview(NamedTuple):
    """What would be cancelled, and what begins it."""

    job: Job
    sample: Sequence[Chosen]


class Progress(NamedTuple):
    """A job, and how far it has come."""

    job: Job
    orders: Orders
    state: Literal["running", "stopping", "stopped", "done"]
    requested: int
    """How many cancels are durable."""
    tally: Mapping[str, int]


class Result(NamedTuple):
    """What came of one task."""

    item: Item
    receipt: Receipt | None
    """None: it wasn't asked for, or the history doesn't show it yet."""


def needed(scope: Scope) -> None:
    scope.need(Permission.OPERATE)
    scope.need(Permission.TASKS_CANCEL)


async def preview(scope: Scope, bulk: BulkParts, request: BulkPreviewRequest) -> Preview:
    """Select now, and keep what was selected until the token is used or too old."""
    needed(scope)
    settings, now = bulk.settings, scope.now()
    cap = request.cap or settings.tasks_default
    if cap > settings.tasks_limit:
        raise Invalid(
            "cap", f"at most {settings.tasks_limit}: narrow the filter, and cancel in several goes"
        )
    where = request.where.selected(now)
    await settled(scope)
    found = await scope.view.selection(where, cap + 1)
    if len(found.tasks) > cap:
        raise TooLarge(
            "tasks that fit",
            cap,
            f"narrow the filter, or raise the cap (`cap`, --cap; up to {settings.tasks_limit})",
        )
    job = new_preview(scope, request, found.frontier, len(found.tasks), found.runs, now, settings)
    ids, size = [task.id for task in found.tasks], settings.batch_tasks

    def keep(connection: sa.Connection) -> bool:
        kept.clear(connection, scope.organization, now, settings.keep_seconds)
        waiting, _ = kept.count_open(connection, scope.organization)
        if waiting >= settings.previews_per_organization:
            return False
        kept.add_preview(connection, job, (ids[at : at + size] for at in range(0, len(ids), size)))
        return True

    if not await bulk.ask(keep):
        raise TooMany("previews in your organization that nobody used", settings.preview_seconds)
    return Preview(job, found.tasks[: settings.sample_tasks])


async def begin(scope: Scope, bulk: BulkParts, request: BulkCancelRequest) -> Progress:
    """Durable when it returns: the job goes on, whatever happens to this process."""
    needed(scope)
    per_second = request.per_second or bulk.settings.per_second_default
    if per_second > bulk.settings.per_second_limit:
        raise Invalid("per_second", f"at most {bulk.settings.per_second_limit:g}")
    orders = Orders(
        actor=scope.actor,
        reason=request.reason,
        mode=request.mode,
        grace_seconds=request.grace_seconds,
        per_second=per_second,
        traceparent=scope.traceparent,
    )
    job = await found(scope, bulk, request.token, "preview")
    is_new = job.orders is None
    if is_new:
        if job.expires_at <= scope.now():
            raise Conflict("preview_expired", "this preview is too old: look again, then cancel")
        limit = bulk.settings.jobs_per_organization

        def first(connection: sa.Connection) -> bool | None:
            _, under_way = kept.count_open(connection, scope.organization)
            if under_way >= limit:
                return None
            return kept.begin(connection, request.token, orders, scope.now())

        if await bulk.ask(first) is None:
            raise TooMany("cancels of many tasks under way in your organization", 10.0)
        job = await found(scope, bulk, request.token, "preview")
    if job.orders is not None and job.ended_at is None:
        # A repeat, too: whoever began it may not have come so far as to carry it out.
        bulk.canceller.take_up(job, in_doubt=not is_new)
    if job.orders is None or not same(job.orders, orders):
        raise Conflict("already_begun", "this preview was used already: look again, then cancel")
    return progress(bulk, job, job.orders)


async def stop(scope: Scope, bulk: BulkParts, job_id: str) -> Progress:
    """Request nothing more. What was requested stays: a cancel is irrevocable."""
    needed(scope)
    ask = partial(
        kept.ask_to_stop,
        organization=scope.organization,
        id=job_id,
        now=scope.now(),
        by=scope.actor,
    )
    job = await bulk.ask(ask)
    if job is None or job.orders is None:
        raise NotFound("cancel of many tasks", job_id)
    bulk.canceller.halt(job_id)
    return progress(bulk, job, job.orders)


async def look(scope: Scope, bulk: BulkParts, job_id: str, wait_seconds: float = 0) -> Progress:
    """How far it is, once it is over or the wait is."""
    needed(scope)
    await bulk.canceller.over(job_id, wait_seconds)
    job = await found(scope, bulk, job_id, "cancel of many tasks")
    if job.orders is None:
        raise NotFound("cancel of many tasks", job_id)
    return progress(bulk, job, job.orders)


async def newest(scope: Scope, bulk: BulkParts) -> list[Progress]:
    needed(scope)
    ask = partial(kept.newest, organization=scope.organization, limit=LISTED_LIMIT)
    return [progress(bulk, job, job.orders) for job in await bulk.ask(ask) if job.orders]


async def results(
    scope: Scope, bulk: BulkParts, job_id: str, start: Place, limit: int
) -> tuple[list[Result], Place | None]:
    """What came of the tasks from a place on, in their order, and where the next ones are."""
    await look(scope, bulk, job_id)
    await looking.fresh(scope, None)
    task_ids, then = await bulk.ask(partial(kept.page, id=job_id, start=start, limit=limit))
    answers = []
    for task_id in task_ids:
        item = item_of(job_id, task_id)
        answers.append(Result(item, await scope.view.receipt(item.event_id)))
        await asyncio.sleep(0)
    return answers, then


async def found(scope: Scope, bulk: BulkParts, id: str, what: str) -> Job:
    job = await bulk.ask(partial(kept.find, organization=scope.organization, id=id))
    if job is None:
        raise NotFound(what, id)
    return job


def progress(bulk: BulkParts, job: Job, orders: Orders) -> Progress:
    here = bulk.canceller.live.get(job.id)
    tally = Counter(here.tally if here else job.tally)
    requested = tally.total()
    if job.ended_at is None:
        state: Literal["running", "stopping", "stopped", "done"] = (
            "running" if job.stop_asked_at is None else "stopping"
        )
    else:
        state = "done" if requested >= job.tasks else "stopped"
    return Progress(job, orders, state, requested, tally)


def new_preview(
    scope: Scope,
    request: BulkPreviewRequest,
    frontier: Mapping[int, int],
    tasks: int,
    runs: int,
    now: datetime,
    settings: BulkSettings,
) -> Job:
    return Job(
        id=str(scope.parts.world.new_id()),
        organization=scope.organization,
        selection=request.where.model_dump(mode="json", exclude_defaults=True),
        frontier=written_frontier(frontier),
        tasks=tasks,
        runs=runs,
        previewed_at=now,
        expires_at=now + timedelta(seconds=settings.preview_seconds),
        orders=None,
        begun_at=None,
        batches_done=0,
        tally={},
        stop_asked_at=None,
        stop_asked_by=None,
        ended_at=None,
    )


def same(one: Orders, other: Orders) -> bool:
    """Whether a repeat asks for what the first request asked for."""
    return one.model_copy(update={"traceparent": None}) == other.model_copy(
        update={"traceparent": None}
    )
