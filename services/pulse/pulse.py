"""The pulse of this process: a listener of the ledger, off the path of every cancel.

What the ledger tells is queued, and folded by a task of its own in small steps; nobody who stops
something waits for it. Begins with what the read models know of the last day.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from events.log import Log
from events.positions import Frontier
from events.state import Root
from projections.entry import Entry
from projections.moments import us
from projections.pulse.picture import Picture, picture
from projections.pulse.slots import WINDOWS, Group
from projections.pulse.stopping import Change, Stopped, key_of
from projections.pulse.tables import (
    Tables,
    budgeted,
    entering,
    recall_noticed,
    recall_overrun,
    recall_stop,
    recall_task,
    sweep,
)
from services.backlog import STEPS_AT_ONCE, Backlog
from services.pulse.heartbeats import Heartbeats
from services.pulse.overruns import Overruns
from services.pulse.settings import PulseSettings
from services.read_models.recent_stops import Lately, Overrun, Stop
from services.voice import Voice
from services.world import World

SWEEP_SECONDS = 5.0


class Recent(Protocol):
    """What it asks of the read models, before the ledger begins."""

    async def lately(self, since_us: int, limit: int) -> Lately: ...


class Pulse:
    """`recall` it before the ledger runs, then `run` it beside."""

    def __init__(
        self,
        *,
        heartbeats: Log,
        voice: Voice,
        world: World,
        settings: PulseSettings,
        pulse_id: str,
    ) -> None:
        self.tables = Tables()
        self._heartbeats = Heartbeats(heartbeats, world, self.tables.executors)
        self._world = world
        self._settings = settings
        self._overruns = Overruns(self.tables.stopping, voice, world, pulse_id)
        self._told: list[Callable[[Entry, Change], None]] = []
        self._before: Sequence[Stop] = ()
        """What the read models know of live stops and the fold doesn't."""
        self._backlog = Backlog(self._take)
        self._shown: dict[str, tuple[float, Picture]] = {}

    # ── what it knows when it begins ──────────────────────────────────────────────────────────────

    async def recall(self, recent: Recent) -> None:
        """Count the stops and overruns of the last day, as of where the ledger will begin."""
        limit = self._settings.recalled_stops
        since_us = us(self._world.now()) - max(window.length_us for window in WINDOWS)
        lately = await recent.lately(since_us, limit)
        steps = recalling(self.tables, lately.stops, lately.overruns)
        for number, _ in enumerate(steps, 1):
            if number % STEPS_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._before = lately.stopping

    # ── what the ledger tells ─────────────────────────────────────────────────────────────────────

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        for log_key, root in roots.items():
            for task in root.tasks.values():
                recall_task(self.tables, log_key.partition("/")[0], task)
        recall_stopping(self.tables, self._before)
        for key, row in self.tables.stopping.items():
            self._overruns.watch(key, row)
        self._before = ()

    def entered(self, entries: Sequence[Entry]) -> None:
        self._backlog.entered(entries)

    async def room(self) -> None:
        await self._backlog.room()

    def tell(self, changed: Callable[[Entry, Change], None]) -> None:
        """From now on call this with every change, once it is counted: for metrics and traces."""
        self._told.append(changed)

    # ── its life ──────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._backlog.run())
            tasks.create_task(self._heartbeats.run())
            tasks.create_task(self._overruns.run())
            tasks.create_task(self._sweep())

    def _take(self, entry: Entry) -> Iterator[None]:
        changes: list[Change] = []
        for change in entering(self.tables, entry, self._heartbeats.budgets):
            changes.append(change)
            yield
        for change in changes:
            self._tell(entry, change)
            yield

    def _tell(self, entry: Entry, change: Change) -> None:
        if change.row is not None and not change.overran:
            self._overruns.watch(change.key, change.row)
        if change.stopped is not None and change.stopped.late is not None:
            self._overruns.was_late(change.stopped.late)
        for tell in self._told:
            tell(entry, change)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for key, row in budgeted(self.tables, self._heartbeats.budgets):
                self._overruns.watch(key, row)
            sweep(self.tables, us(self._world.now()))
            self._shown.clear()

    # ── what it shows ─────────────────────────────────────────────────────────────────────────────

    async def of(self, organization: str) -> Picture:
        """What one organization may see."""
        return self.picture(organization)

    def picture(self, organization: str | None) -> Picture:
        """One organization's, or everybody's: what is shown to no caller, only counted."""
        now = asyncio.get_running_loop().time()
        key = organization or ""
        shown = self._shown.get(key)
        if shown is None or now - shown[0] > self._settings.picture_age_limit_seconds:
            shown = self._shown[key] = (now, self._drawn(organization))
        return shown[1]

    def _drawn(self, organization: str | None) -> Picture:
        tables = self.tables
        return picture(
            us(self._world.now()),
            stopping=[
                row
                for row in tables.stopping.values()
                if organization in (None, row["organization"])
            ],
            slots=[
                slot for slot in tables.slots.values() if organization in (None, slot["group"][0])
            ],
            executors=tables.executors.values(),
            deadlines=[
                row
                for row in tables.deadlines.values()
                if organization in (None, row["organization"])
            ],
            margin_us=int(self._settings.overdue_margin_seconds * 1_000_000),
        )


def recalling(tables: Tables, stops: Iterable[Stop], overruns: Iterable[Overrun]) -> Iterator[None]:
    """Count what the read models know, step by step."""
    for stop in stops:
        recall_stop(tables, as_stopped(stop))
        yield
    for overrun in overruns:
        group = Group(overrun.organization, overrun.kind, overrun.region)
        recall_overrun(tables, group, overrun.appended_us)
        yield


def recall_stopping(tables: Tables, stopping: Iterable[Stop]) -> None:
    """Once the tasks are recalled: what the read models know of live stops and the fold doesn't."""
    for stop in stopping:
        recall_noticed(
            tables,
            key_of(stop.organization, stop.task_id),
            observed_us=stop.observed_us,
            unconfirmed_us=stop.unconfirmed_us,
            due_us=stop.due_us,
        )


def as_stopped(stop: Stop) -> Stopped:
    """A row of the read models, which doesn't say whether anything ran but by its evidence."""
    stopped_us = stop.stopped_us or stop.requested_us
    observed_us = stop.observed_us
    if observed_us is not None and observed_us > stopped_us:
        observed_us = None  # Noted behind the end, where nothing was left to be measured.
    return Stopped(
        organization=stop.organization,
        kind=stop.kind,
        region=stop.region,
        evidence=stop.evidence or "",
        requested_us=stop.requested_us,
        observed_us=observed_us,
        stopped_us=stopped_us,
        trace=None,
        cancel_id=stop.cancel_id,
        ran=stop.evidence not in (None, "never_started"),
    )
