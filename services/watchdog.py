"""Says on the log what nobody else is there to say: a run lost with its executor, a deadline past.

A run is called lost only after the heartbeats were read up to an end that was taken after its
executor's lease was over, and after this watchdog has itself been up for a full lease. Several may
run: what they append is derived from its cause, so that the second one's word is void.
"""

import asyncio
import heapq
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from events.body import Actor
from events.cancel_events import CancelRequested
from events.errors import LogUnavailable
from events.event import Event
from events.ids import derived_id
from events.log import Log
from events.positions import Frontier, reaches
from events.run_events import RunLost
from events.state import Root, Run, TaskState
from events.words import ACTIVE, Origin
from projections.entry import Entry
from services.executor.peers import Heartbeat
from services.log_end import end_of
from services.log_following import follow_on
from services.voice import Voice
from services.world import World

LONGEST_SLEEP_SECONDS = 3600.0
"""Wall clocks are set: a deadline far away is looked at again after a while."""
HEARTBEATS_REREAD = 10_000
SAID_AT_ONCE = 500
"""Events in one append."""


class WatchdogSettings(BaseModel):
    """What a watchdog assumes, and tolerates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: PositiveFloat = 60
    """Of executors that haven't been heard yet: the longest lease in use."""
    margin_seconds: PositiveFloat = 1.0


class Where(NamedTuple):
    """A task's place."""

    organization: str
    task_id: str


class Deadline(NamedTuple):
    """Of a task, and the attempt that it would end."""

    moment: datetime
    attempt: int


class Watchdog:
    """One watchdog loop."""

    def __init__(
        self,
        *,
        heartbeats: Log,
        voice: Voice,
        world: World,
        settings: WatchdogSettings,
        watchdog_id: str,
    ) -> None:
        self._heartbeats = heartbeats
        self._voice = voice
        self._world = world
        self._settings = settings
        self._id = watchdog_id
        self._runs: dict[str, dict[Where, UUID]] = {}
        """Local runs that may be alive, by executor."""
        self._executor_of: dict[Where, str] = {}
        self._lease_over: dict[str, float] = {}
        """By the event loop's clock: when nobody can think the executor alive any more."""
        self._up_since = 0.0
        self._read: dict[int, int] = {}
        self._read_on = asyncio.Event()
        self._hears = asyncio.Event()
        self._new_runs = asyncio.Event()
        self._deadlines: list[tuple[datetime, Where]] = []
        self._open_deadlines: dict[Where, Deadline] = {}
        self._new_deadline = asyncio.Event()
        self._recalled = asyncio.Event()

    # ── what it hears ─────────────────────────────────────────────────────────────────────────────

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        for key, root in roots.items():
            for task in root.tasks.values():
                self._changed(key.partition("/")[0], task)
        self._recalled.set()

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.event is not None:
                for task in entry.outcome.tasks:
                    self._changed(entry.event.organization, task)

    async def room(self) -> None:
        """Always: it keeps no more than is alive."""

    def _changed(self, organization: str, task: TaskState) -> None:
        if task.started_at is None and task.spec.deadline is None:
            return  # Nothing of it was ever watched; one cancel may have ended ten thousand such.
        where = Where(organization, task.id)
        active = task.run if task.status in ACTIVE and task.run and not task.run.remote else None
        self._follow_run(where, active)
        deadline = None if task.finished or task.cancel is not None else task.spec.deadline
        before = self._open_deadlines.pop(where, None)
        if deadline is None:
            return
        self._open_deadlines[where] = Deadline(deadline, task.attempt)
        if before is None:
            heapq.heappush(self._deadlines, (deadline, where))
            self._new_deadline.set()

    def _follow_run(self, where: Where, run: Run | None) -> None:
        before = self._executor_of.get(where)
        if before is not None and (run is None or run.executor != before):
            del self._executor_of[where]
            runs = self._runs[before]
            del runs[where]
            if not runs:
                del self._runs[before]
        if run is not None:
            self._executor_of[where] = run.executor
            if run.executor not in self._runs:
                self._runs[run.executor] = {}
                self._new_runs.set()
            self._runs[run.executor][where] = run.id

    # ── its life ──────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._recalled.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear())
            tasks.create_task(self._watch_leases())
            tasks.create_task(self._watch_deadlines())

    async def _hear(self) -> None:
        end = await end_of(self._heartbeats)
        # Not earlier: of a heartbeat that came until now nothing is counted but this.
        self._up_since = asyncio.get_running_loop().time()
        start = {partition: max(offset - HEARTBEATS_REREAD, 0) for partition, offset in end.items()}
        self._read = dict(start)
        self._hears.set()
        async for records in follow_on(self._heartbeats, start):
            now = asyncio.get_running_loop().time()
            for record in records:
                partition, offset = record.position
                if offset < self._read.get(partition, 0):
                    continue  # Heard before.
                self._read[partition] = offset + 1
                if offset < end.get(partition, 0):
                    continue  # From before this watchdog: too old to count from now.
                try:
                    heartbeat = Heartbeat.model_validate_json(record.value)
                except ValidationError:
                    continue  # Another release's heartbeat; its runs are watched by its lease.
                self._lease_over[heartbeat.executor] = now + heartbeat.lease_seconds
            self._read_on.set()

    # ── leases ────────────────────────────────────────────────────────────────────────────────────

    async def _watch_leases(self) -> None:
        await self._hears.wait()
        loop = asyncio.get_running_loop()
        while True:
            self._new_runs.clear()
            for executor in [each for each in self._runs if self._over_at(each) <= loop.time()]:
                await self._lost(executor)
            self._forget_who_is_gone()
            wait = min((self._over_at(each) for each in self._runs), default=math.inf) - loop.time()
            await woken(self._new_runs, wait)

    def _over_at(self, executor: str) -> float:
        over = self._lease_over.get(executor, 0.0)
        return max(over, self._up_since + self._settings.lease_seconds) + (
            self._settings.margin_seconds
        )

    async def _lost(self, executor: str) -> None:
        """The lease looks over: read the heartbeats to an end taken now, and only then say so."""
        # Only of runs known by now: a later one may have a lease that is beyond that end.
        runs = dict(self._runs.get(executor, {}))
        try:
            end = await self._heartbeats.end()
        except LogUnavailable:
            # Who can't read can't tell; the executor has a whole lease more in our eyes.
            self._wait_for_another_lease(executor)
            return
        while not reaches(self._read, end):
            self._read_on.clear()
            await self._read_on.wait()
        if self._over_at(executor) > asyncio.get_running_loop().time():
            return
        still = self._runs.get(executor, {})
        events = [
            self._event(
                where,
                RunLost(actor=self._actor(where), run_id=run_id, executor=executor),
                derived_id(run_id, "lost"),
            )
            for where, run_id in runs.items()
            if still.get(where) == run_id
        ]
        await self._say(events)
        # Heard by now or soon from the ledger; not said again before another lease.
        self._wait_for_another_lease(executor)

    def _wait_for_another_lease(self, executor: str) -> None:
        now = asyncio.get_running_loop().time()
        self._lease_over[executor] = now + self._settings.lease_seconds

    def _forget_who_is_gone(self) -> None:
        """Of whom nothing is known, the lease is over, too."""
        now = asyncio.get_running_loop().time()
        for executor, over in list(self._lease_over.items()):
            if over < now and executor not in self._runs:
                del self._lease_over[executor]

    # ── deadlines ─────────────────────────────────────────────────────────────────────────────────

    async def _watch_deadlines(self) -> None:
        while True:
            self._new_deadline.clear()
            await self._say(self._due())
            wait = math.inf
            if self._deadlines:
                wait = (self._deadlines[0][0] - self._world.now()).total_seconds()
            await woken(self._new_deadline, wait)

    def _due(self) -> list[Event]:
        now = self._world.now()
        due: list[Event] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, where = heapq.heappop(self._deadlines)
            open_deadline = self._open_deadlines.get(where)
            if open_deadline is not None and open_deadline.moment == deadline:
                del self._open_deadlines[where]
                body = CancelRequested(
                    actor=self._actor(where),
                    reason=f"its deadline, {deadline.isoformat()}, is over",
                    origin=Origin.DEADLINE,
                )
                # The attempt, as one that came too late for a failed attempt is void for ever.
                id = derived_id(*where, "deadline", deadline.isoformat(), open_deadline.attempt)
                due.append(self._event(where, body, id))
        return due

    # ── what it says ──────────────────────────────────────────────────────────────────────────────

    async def _say(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), SAID_AT_ONCE):
            await self._voice.say(*events[start : start + SAID_AT_ONCE])

    def _event(self, where: Where, body: RunLost | CancelRequested, id: UUID) -> Event:
        return self._voice.event(
            body, subject=where.task_id, organization=where.organization, id=id
        )

    def _actor(self, where: Where) -> Actor:
        return Actor(kind="watchdog", id=self._id, organization=where.organization)


async def woken(event: asyncio.Event, seconds: float) -> None:
    """Returns when it is set, or the time is over."""
    try:
        async with asyncio.timeout(min(max(seconds, 0.0), LONGEST_SLEEP_SECONDS)):
            await event.wait()
    except TimeoutError:
        return
