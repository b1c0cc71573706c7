"""One partition of the history, folded into its rows of the pulse.

Begins with what the read models know, unless the rows came with the partition; from there it takes
in every record once and in order, whatever wakes it how often. What it needs of a root's past it
asks of the read models, as of the record that comes next.
"""

import asyncio
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from typing import Any

import structlog

from events.errors import UnknownVersion
from events.ids import log_key, root_of
from events.log import LogReader
from projections.entry import Decoded, decoded, unread
from projections.memory import Memory
from projections.moments import us
from projections.pulse.slots import WINDOWS
from projections.pulse.stopping import Change
from projections.pulse.tables import entering, recall_stop, recall_task, sweep
from services.kafka_log.writer import partition_of
from services.pulse.overruns import Overruns
from services.pulse.pulse import as_stopped
from services.pulse.settings import PulseSettings
from services.pulse_worker.rows import places_of, tables_of
from services.read_models.models import ReadModels
from services.voice import Voice
from services.world import World

RECORDS_AT_ONCE = 500
KEYS_AT_ONCE = 500
FINISHED_KEPT = 2_000
READ_MODELS_SECONDS = 5.0
HERE = "here"

log = structlog.get_logger(__name__)


class Partition:
    """As long as this worker has it."""

    def __init__(
        self,
        number: int,
        of: int,
        table: MutableMapping[str, Any],
        history: LogReader,
        reads: ReadModels,
        voice: Voice,
        world: World,
        settings: PulseSettings,
        worker_id: str,
    ) -> None:
        self.tables = tables_of(table, number)
        self.overruns = Overruns(self.tables.stopping, voice, world, worker_id)
        self.stopped: UnknownVersion | None = None
        self._places = places_of(table, number)
        self._number = number
        self._of = of
        self._history = history
        self._reads = reads
        self._world = world
        self._settings = settings
        self._memory = Memory(FINISHED_KEPT)
        for key, row in self.tables.stopping.items():
            self.overruns.watch(key, row)

    async def reach(self, offset: int, budgets_seconds: Mapping[str, float]) -> None:
        """Take in everything up to this record. Called by the agent only: it writes rows."""
        if HERE not in self._places:
            await self._begin()
        while self.stopped is None and self._places[HERE] <= offset:
            place = self._places[HERE]
            start = {**await self._history.end(), self._number: place}
            records = await self._history.read(start, RECORDS_AT_ONCE)
            if not records:
                return  # The log ends before: it was replaced, and says so elsewhere.
            try:
                batch = [decoded(record) for record in unread(records, {self._number: place})]
            except UnknownVersion as why:
                log.error("the pulse stands still", partition=self._number, why=str(why))
                self.stopped = why
                return
            await self._take(batch, place, budgets_seconds)
            self._places[HERE] = records[-1].position.offset + 1
            self._memory.forget({self._number: self._reads.frontier().get(self._number, 0)})
            sweep(self.tables, us(self._world.now()))

    async def _take(
        self, batch: Sequence[Decoded], place: int, budgets_seconds: Mapping[str, float]
    ) -> None:
        missing = self._memory.missing(batch)
        if missing:
            while not await self._reads.reached({self._number: place}, READ_MODELS_SECONDS):
                log.warning("the pulse waits for the read models", partition=self._number)
            await self._recall(missing, place)
        for one in batch:
            for change in entering(self.tables, self._memory.enter(one), budgets_seconds):
                self._watch(change)

    async def _recall(self, keys: Collection[str], place: int) -> None:
        for key in keys:
            self._memory.recall(key)
        async for key, events in self._reads.events_of(keys, {self._number: place}):
            self._memory.recall(key, events)

    def _watch(self, change: Change) -> None:
        if change.row is not None and not change.overran:
            self.overruns.watch(change.key, change.row)
        if change.stopped is not None and change.stopped.late is not None:
            self.overruns.was_late(change.stopped.late)

    # ── where nothing is known yet ────────────────────────────────────────────────────────────────

    async def _begin(self) -> None:
        """What is alive and what stopped in the last day, as the read models know it now."""
        for rows in (self.tables.stopping, self.tables.slots, self.tables.deadlines):
            rows.clear()
        frontier, live = await self._reads.snapshot_of(self._number)
        place = frontier.get(self._number, 0)
        for start in range(0, len(live), KEYS_AT_ONCE):
            await self._recall(live[start : start + KEYS_AT_ONCE], place)
        for key, root in self._memory.roots.items():
            for task in root.tasks.values():
                recall_task(self.tables, key.partition("/")[0], task)
        since_us = us(self._world.now()) - max(window.length_us for window in WINDOWS)
        for stop in await self._reads.stopped_since(since_us, self._settings.recalled_stops):
            key = log_key(stop.organization, root_of(stop.task_id))
            if partition_of(key.encode(), self._of) == self._number:
                recall_stop(self.tables, as_stopped(stop))
                await asyncio.sleep(0)
        for key, row in self.tables.stopping.items():
            self.overruns.watch(key, row)
        self._places[HERE] = place
