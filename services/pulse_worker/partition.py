"""One partition of the history, folded into its rows of the pulse.

Begins with what the read models know, unless the rows came with the partition; from there it takes
in every record once and in order, whoever says how often that there are more. What it needs of a
root's past it asks of the read models, as of the record that comes next.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

import structlog

from events.errors import LogUnavailable, UnknownVersion
from events.ids import log_key, root_of
from events.log import LogReader, Record
from projections.entry import Decoded, decoded, unread
from projections.memory import Memory
from projections.moments import us
from projections.pulse.slots import WINDOWS
from projections.pulse.stopping import Change
from projections.pulse.tables import Tables, budgeted, entering, recall_task, sweep
from services.kafka_log.writer import partition_of
from services.pulse.overruns import Overruns
from services.pulse.pulse import recall_stopping, recalling
from services.pulse.settings import PulseSettings
from services.pulse_worker.rows import HERE, places_of, tables_of
from services.read_models.models import ReadModels
from services.read_models.recent_stops import Stop
from services.voice import Voice
from services.world import World

RECORDS_AT_ONCE = 500
KEYS_AT_ONCE = 500
FINISHED_KEPT = 2_000
READ_MODELS_SECONDS = 5.0

Row = TypeVar("Row")

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
        budgets_seconds: Callable[[], Mapping[str, float]],
        mine: Callable[[], bool],
    ) -> None:
        """`mine`: whether this worker has it, at this moment; only then are rows written."""
        self.tables = tables_of(table, number)
        self.overruns = Overruns(self.tables.stopping, voice, world, worker_id)
        self.begun = False
        """Whether its rows are right as of its place: before, nobody is to see them."""
        self.stopped: UnknownVersion | None = None
        self._places = places_of(table, number)
        self._number = number
        self._of = of
        self._history = history
        self._reads = reads
        self._world = world
        self._settings = settings
        self._budgets_seconds = budgets_seconds
        self._looked_at: Mapping[str, float] = {}
        self._mine = mine
        self._memory = Memory(FINISHED_KEPT)
        self._end = 0
        self._more = asyncio.Event()

    def grown(self, end: int) -> None:
        """The log is known to reach so far. Said again and again, it makes up for what failed."""
        self._end = max(self._end, end)
        if self._places.get(HERE, 0) < self._end:
            self._more.set()

    async def run(self) -> None:
        """Take in what there is and what comes, until cancelled."""
        if HERE not in self._places and not await self._begin():
            return
        for key, row in self.tables.stopping.items():
            self.overruns.watch(key, row)
        self.begun = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.overruns.run())
            tasks.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                await self._reach_end()
            except LogUnavailable as error:
                log.warning("the pulse waits for the log", partition=self._number, why=str(error))

    async def _reach_end(self) -> None:
        while self.stopped is None and (place := self._places[HERE]) < self._end:
            read = await self._read(place)
            if not read:
                return  # The log ends before: it was replaced, and says so elsewhere.
            records = [each for each in read if each.position.partition == self._number]
            if not records:
                continue
            try:
                batch = [decoded(record) for record in unread(records, {self._number: place})]
            except UnknownVersion as why:
                log.error("the pulse stands still", partition=self._number, why=str(why))
                self.stopped = why
                return
            await self._remember(batch, place)
            if not self._mine():
                return
            # Rows and place without a turn for others in between: what is there is of one place.
            self._take(batch)
            self._places[HERE] = records[-1].position.offset + 1
            self._memory.forget({self._number: self._reads.frontier().get(self._number, 0)})
            sweep(self.tables, us(self._world.now()))
            await asyncio.sleep(0)

    async def _read(self, place: int) -> Sequence[Record]:
        """What comes next; with it, perhaps, what others' partitions have got in this moment."""
        start = {**await self._history.end(), self._number: place}
        return await self._history.read(start, RECORDS_AT_ONCE)

    async def _remember(self, batch: Sequence[Decoded], place: int) -> None:
        missing = self._memory.missing(batch)
        if missing:
            while not await self._reads.reached({self._number: place}, READ_MODELS_SECONDS):
                log.warning("the pulse waits for the read models", partition=self._number)
            await self._recall(missing, place)

    def _take(self, batch: Sequence[Decoded]) -> None:
        budgets_seconds = self._budgets_seconds()
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

    def look_at_budgets(self) -> None:
        """Executors may have told of theirs since a stop began, or was recalled. Who hears of them
        makes another mapping then; the same budgets may have been gone in between."""
        budgets_seconds = self._budgets_seconds()
        if budgets_seconds is self._looked_at or not (self.begun and self._mine()):
            return
        self._looked_at = budgets_seconds
        for key, row in budgeted(self.tables, budgets_seconds):
            self.overruns.watch(key, row)

    # ── where nothing is known yet ────────────────────────────────────────────────────────────────

    async def _begin(self) -> bool:
        """With what is alive and what stopped or overran in the last day, as the read models know
        it now. Whether the partition was still this worker's when it was known."""
        since_us = us(self._world.now()) - max(window.length_us for window in WINDOWS)
        (frontier, live), lately = await self._reads.snapshot_and_lately(
            self._number, since_us, self._settings.recalled_stops
        )
        place = frontier.get(self._number, 0)
        for start in range(0, len(live), KEYS_AT_ONCE):
            await self._recall(live[start : start + KEYS_AT_ONCE], place)
        found = Tables()
        for key, root in self._memory.roots.items():
            for task in root.tasks.values():
                recall_task(found, key.partition("/")[0], task)
        recall_stopping(found, lately.stopping)
        here = [stop for stop in lately.stops if self._is_here(stop)]
        for _ in recalling(found, here, lately.overruns):
            await asyncio.sleep(0)
        if not self._mine():
            return False
        self._put(found)
        self._places[HERE] = place
        return True

    def _is_here(self, stop: Stop) -> bool:
        key = log_key(stop.organization, root_of(stop.task_id))
        return partition_of(key.encode(), self._of) == self._number

    def _put(self, found: Tables) -> None:
        """All at once, each row written once."""
        self._replace(self.tables.stopping, found.stopping)
        self._replace(self.tables.slots, found.slots)
        self._replace(self.tables.deadlines, found.deadlines)

    def _replace(self, rows: MutableMapping[str, Row], found: Mapping[str, Row]) -> None:
        rows.clear()
        rows.update(found)
