"""Carries out cancels of many tasks, piece by piece, and goes on with them after a crash.

Each item is an event whose id follows from the job and the task. So whoever goes on can look in the
history which items are there, and an item that is appended again all the same changes nothing. What
is noted in the control store is never more than what is durable on the log.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa
import stamina

from events.cancel_events import CancelRequested
from events.event import like, new_event
from events.ids import derived_id
from events.log import Log
from events.words import Origin, Reason, Verdict
from services.bulk_pace import Pace
from services.control_store import ControlStore
from services.control_store.bulk_cancels import Job, Orders, batch, end, note_batch, under_way
from services.log_end import end_of
from services.own_words import OwnWords
from services.read_models.models import ReadModels
from services.settings import BulkSettings
from services.verdicts import Verdicts
from services.voice import Voice
from services.world import World

T = TypeVar("T")

UNDECIDED = "undecided"


class Item(NamedTuple):
    """One task of a job, and the event that asks for its cancel."""

    task_id: str
    event_id: UUID


def item_of(job_id: str, task_id: str) -> Item:
    return Item(task_id, derived_id(job_id, "item", task_id))


def word(verdict: Verdict, reason: Reason | None) -> str:
    """How a tally calls it: the verdict, or why it was void."""
    return reason.value if verdict is Verdict.VOID and reason is not None else verdict.value


@dataclass(slots=True)
class UnderWay:
    """A job that this process carries out."""

    tally: Counter[str]
    halt: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when no further request shall be made."""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class BulkCanceller:
    """One of a process. Two that carry out the same job only repeat each other's events."""

    def __init__(
        self,
        *,
        store: ControlStore,
        log: Log,
        reads: ReadModels,
        verdicts: Verdicts,
        world: World,
        words: OwnWords,
        settings: BulkSettings,
        verdict_wait_seconds: float,
        region: str,
        source: str,
    ) -> None:
        self.live: dict[str, UnderWay] = {}
        self._store = store
        self._log = log
        self._reads = reads
        self._verdicts = verdicts
        self._world = world
        self._settings = settings
        self._verdict_wait_seconds = verdict_wait_seconds
        self._region = region
        self._source = source
        self._voice = Voice(log, world, source=source, region=region, words=words)
        self._turns = asyncio.Semaphore(settings.jobs_at_once)
        self._waiting: asyncio.Queue[tuple[Job, bool] | None] = asyncio.Queue()
        self._closing = False

    # ---- what the gateway tells it

    def take_up(self, job: Job, *, in_doubt: bool = False) -> None:
        """A job was begun. `in_doubt`: somebody may have requested more of it than was noted."""
        if job.id not in self.live:
            self.live[job.id] = UnderWay(Counter(job.tally))
            self._waiting.put_nowait((job, in_doubt))

    def halt(self, job_id: str) -> None:
        """Somebody asked to stop it, and the control store knows."""
        if job_id in self.live:
            self.live[job_id].halt.set()

    async def over(self, job_id: str, timeout_seconds: float) -> None:
        """Returns when this process has nothing to do with the job any more, or after the time."""
        job = self.live.get(job_id)
        if job is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await job.over.wait()
        except TimeoutError:
            return

    # ---- its life

    async def run(self) -> None:
        """Until closed; what is under way then goes on at the next start."""
        for job in await self._ask(under_way):
            self.take_up(job, in_doubt=True)
        async with asyncio.TaskGroup() as tasks:
            while (next_one := await self._waiting.get()) is not None:
                tasks.create_task(self._carry_out(*next_one))

    def close(self) -> None:
        """Make no further request; `run` returns once the last one is durable."""
        self._closing = True
        self._waiting.put_nowait(None)
        for job in self.live.values():
            job.halt.set()

    async def _carry_out(self, job: Job, in_doubt: bool) -> None:
        here = self.live[job.id]
        if job.stop_asked_at is not None:
            here.halt.set()
        try:
            async with self._turns:
                await self._cancel_all(job, here, in_doubt)
        finally:
            del self.live[job.id]
            here.over.set()

    async def _cancel_all(self, job: Job, here: UnderWay, in_doubt: bool) -> None:
        assert job.orders is not None
        if in_doubt:
            await self._caught_up()
        pace = Pace(
            job.orders.per_second,
            self._settings.step_tasks,
            lambda: self._verdicts.asked,
            asyncio.get_running_loop().time,
        )
        number = job.batches_done
        while (task_ids := await self._ask(partial(batch, id=job.id, number=number))) is not None:
            items = [item_of(job.id, task_id) for task_id in task_ids]
            if in_doubt:
                items = await self._not_in_history(job, here, items)
                in_doubt = len(items) < len(task_ids)
            if not await self._request_all(job, job.orders, here, pace, items):
                break
            number += 1
            note = partial(note_batch, id=job.id, done=number, tally=dict(here.tally))
            if await self._ask(note):
                here.halt.set()
        if not self._closing or task_ids is None:
            ended = partial(end, id=job.id, tally=dict(here.tally), now=self._world.now())
            await self._ask(ended)

    # ---- one batch

    async def _caught_up(self) -> None:
        """Wait until the read models show all that was in the log when this process began."""
        there = await end_of(self._log)
        while not await self._reads.reached(there, self._verdict_wait_seconds):
            pass

    async def _not_in_history(self, job: Job, here: UnderWay, items: Sequence[Item]) -> list[Item]:
        """The items that nobody has requested yet; the others are counted."""
        view = self._reads.of(job.organization)
        missing = []
        for item in items:
            receipt = await view.receipt(item.event_id)
            if receipt is None:
                missing.append(item)
            else:
                here.tally[word(receipt.line.verdict, receipt.line.reason)] += 1
            await asyncio.sleep(0)
        return missing

    async def _request_all(
        self, job: Job, orders: Orders, here: UnderWay, pace: Pace, items: Sequence[Item]
    ) -> bool:
        """Step by step; whether all of them were requested."""
        start = 0
        while start < len(items):
            if here.halt.is_set():
                return False
            step = items[start : start + pace.size()]
            start += len(step)
            here.tally.update(await self._request(job, orders, step))
            await self._until(pace.end(len(step)), here.halt)
        return True

    async def _request(self, job: Job, orders: Orders, items: Sequence[Item]) -> Counter[str]:
        """Durable when it returns; what was decided of each by then."""
        now = self._world.now()
        body = CancelRequested(
            actor=orders.actor,
            reason=orders.reason,
            mode=orders.mode,
            grace_seconds=orders.grace_seconds,
            origin=Origin.BULK,
        )
        cause = UUID(job.id)
        first = new_event(
            body,
            id=items[0].event_id,
            subject=items[0].task_id,
            organization=job.organization,
            time=now,
            source=self._source,
            region=self._region,
            correlationid=cause,
            causationid=cause,
            traceparent=orders.traceparent,
        )
        # Each id was checked when its task was submitted.
        others = [
            like(first, body, id=item.event_id, subject=item.task_id, time=now)
            for item in items[1:]
        ]
        events = [first, *others]
        with self._verdicts.expecting_all([event.id for event in events]) as heard:
            self._verdicts.appended(events, await self._voice.say(*events))
            await heard.complete(self._verdict_wait_seconds)
        tally = Counter(
            word(entry.outcome.verdict, entry.outcome.reason) for entry in heard.entries.values()
        )
        tally[UNDECIDED] += len(events) - tally.total()
        return +tally

    async def _until(self, due: float, halt: asyncio.Event) -> None:
        try:
            async with asyncio.timeout_at(due):
                await halt.wait()
        except TimeoutError:
            return

    async def _ask(self, do: Callable[[sa.Connection], T]) -> T:
        """The control store, for as long as it takes: a job waits, it isn't given up."""
        async for attempt in stamina.retry_context(
            on=sa.exc.OperationalError, attempts=None, timeout=None, wait_max=2.0
        ):
            with attempt:
                return await self._store.ask(do)
        raise AssertionError("retry_context ends only by returning or raising")
