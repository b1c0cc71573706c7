"""Says on the log what nobody else is there to say: a run lost with its executor, a deadline past.

A run is called lost only after the heartbeats were read up to an end that was taken after its
executor's lease was over, and after this watchdog has itself been up for a full lease. Several may
run: what they append is derived from its cause, so that the second one's word is void.
"""

import asyncio
import heapq
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
from services.voice import Voice
from services.world import World

LONGEST_SLEEP_SECONDS = 3600.0
"""Wall clocks are set: a deadline far away is looked at again after a while."""
HEARTBEATS_REREAD = 10_000


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
        self._deadlines: list[tuple[datetime, Where]] = []
        self._open_deadlines: dict[Where, datetime] = {}
        self._sooner = asyncio.Event()
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
        where = Where(organization, task.id)
        active = task.run if task.status in ACTIVE and task.run and not task.run.remote else None
        self._follow_run(where, active)
        deadline = None if task.finished or task.cancel is not None else task.spec.deadline
        if deadline is None:
            self._open_deadlines.pop(where, None)
        elif self._open_deadlines.get(where) != deadline:
            self._open_deadlines[where] = deadline
            heapq.heappush(self._deadlines, (deadline, where))
            self._sooner.set()

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
                self._sooner.set()
            self._runs[run.executor][where] = run.id

    # ── its life ──────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._recalled.wait()
        self._up_since = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear())
            tasks.create_task(self._watch())

    async def _hear(self) -> None:
        end = await end_of(self._heartbeats)
        start = {partition: max(offset - HEARTBEATS_REREAD, 0) for partition, offset in end.items()}
        self._read = dict(start)
        async for records in self._heartbeats.follow(start):
            now = asyncio.get_running_loop().time()
            for record in records:
                partition, offset = record.position
                self._read[partition] = offset + 1
                if offset < end.get(partition, 0):
                    continue  # From before this watchdog: too old to count from now.
                try:
                    heartbeat = Heartbeat.model_validate_json(record.value)
                except ValidationError:
                    continue  # Another release's heartbeat; its runs are watched by its lease.
                self._lease_over[heartbeat.executor] = now + heartbeat.lease_seconds
            self._read_on.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._sooner.clear()
            for executor in [each for each in self._runs if self._over_at(each) <= loop.time()]:
                await self._lost(executor)
            due = self._due()
            if due:
                await self._voice.say(*due)
            try:
                async with asyncio.timeout(self._until_next()):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    def _over_at(self, executor: str) -> float:
        over = self._lease_over.get(executor, 0.0)
        return max(over, self._up_since + self._settings.lease_seconds) + (
            self._settings.margin_seconds
        )

    def _until_next(self) -> float:
        now = asyncio.get_running_loop().time()
        waits = [self._over_at(executor) - now for executor in self._runs]
        if self._deadlines:
            waits.append((self._deadlines[0][0] - self._world.now()).total_seconds())
        return min(max(min(waits, default=LONGEST_SLEEP_SECONDS), 0.0), LONGEST_SLEEP_SECONDS)

    async def _lost(self, executor: str) -> None:
        """The lease looks over: read the heartbeats to an end taken now, and only then say so."""
        try:
            end = await self._heartbeats.end()
        except LogUnavailable:
            # Who can't read can't tell; the executor has a whole lease more in our eyes.
            now = asyncio.get_running_loop().time()
            self._lease_over[executor] = now + self._settings.lease_seconds
            return
        while not reaches(self._read, end):
            self._read_on.clear()
            await self._read_on.wait()
        if self._over_at(executor) > asyncio.get_running_loop().time():
            return
        events = [
            self._event(
                where,
                RunLost(actor=self._actor(where), run_id=run_id, executor=executor),
                derived_id(run_id, "lost"),
            )
            for where, run_id in self._runs.get(executor, {}).items()
        ]
        if events:
            await self._voice.say(*events)
        # Heard by now or soon from the ledger; not said again before another lease.
        self._lease_over[executor] = asyncio.get_running_loop().time() + (
            self._settings.lease_seconds
        )

    def _due(self) -> list[Event]:
        now = self._world.now()
        due: list[Event] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, where = heapq.heappop(self._deadlines)
            if self._open_deadlines.get(where) == deadline:
                del self._open_deadlines[where]
                body = CancelRequested(
                    actor=self._actor(where),
                    reason=f"its deadline, {deadline.isoformat()}, is over",
                    origin=Origin.DEADLINE,
                )
                id = derived_id(*where, "deadline", deadline.isoformat())
                due.append(self._event(where, body, id))
        return due

    def _event(self, where: Where, body: RunLost | CancelRequested, id: UUID) -> Event:
        return self._voice.event(
            body, subject=where.task_id, organization=where.organization, id=id
        )

    def _actor(self, where: Where) -> Actor:
        return Actor(kind="watchdog", id=self._id, organization=where.organization)
