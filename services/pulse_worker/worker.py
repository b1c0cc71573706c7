"""A worker of the pulse: the partitions that Faust gives it, and the shelf where gateways look."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple

import structlog

from events.errors import LogUnavailable
from events.log import LogReader
from services.pulse_worker.partition import Partition
from services.pulse_worker.rows import KINDS
from services.pulse_worker.shelf import NOBODYS, Key, Shelf
from services.read_models.errors import ReadModelsUnavailable

LOOK_SECONDS = 1.0
"""How long a look at the log's end may take. It is repeated with every tick."""

log = structlog.get_logger(__name__)


class Assigned(NamedTuple):
    """What Faust has given to this worker."""

    times: int
    """How often it has given out partitions anew; one that came back isn't the one that went."""
    partitions: frozenset[int]


class Had:
    """A partition that this worker has: what keeps it, and what is on the shelf."""

    def __init__(self, partition: Partition, running: "asyncio.Task[None]") -> None:
        self.partition = partition
        self.running = running
        self.shelved: dict[Key, Any] | None = None
        """None: its rows on the shelf are still its former worker's."""


class Worker:
    """One object a process."""

    def __init__(
        self,
        worker_id: str,
        history: LogReader,
        shelf: Shelf,
        assigned: Callable[[], Assigned],
        new_partition: Callable[[int], Partition],
        executors: Callable[[], Mapping[str, Any]],
        tasks: asyncio.TaskGroup,
        guarded: Callable[[Awaitable[None]], Coroutine[Any, Any, None]],
    ) -> None:
        """`guarded`: runs what mustn't fail unnoticed."""
        self._id = worker_id
        self._history = history
        self._shelf = shelf
        self._assigned = assigned
        self._new_partition = new_partition
        self._executors = executors
        self._tasks = tasks
        self._guarded = guarded
        self._times = 0
        self._had: dict[int, Had] = {}
        self._executors_shelved: dict[Key, Any] | None = None

    @property
    def stopped(self) -> bool:
        """Whether any partition of this worker goes no further."""
        return any(each.partition.stopped is not None for each in self._had.values())

    def grown(self, partition: int, offset: int) -> None:
        """The agent has seen this record: sooner than the next tick, most of the time."""
        had = self._had.get(partition)
        if had is not None:
            had.partition.grown(offset + 1)

    async def tick(self) -> None:
        """In the timer: forget what others have now, take in what nobody has told of, and put on
        the shelf what has changed."""
        times, mine = self._assigned()
        if times != self._times:
            self._times = times
            self.end()
        for number in [number for number in self._had if number not in mine]:
            self._had.pop(number).running.cancel()
        for number in sorted(mine - self._had.keys()):
            self._have(number)
        await self._look_at_the_end()
        for had in self._had.values():
            had.partition.look_at_budgets()
        try:
            for number, had in sorted(self._had.items()):
                if had.partition.begun:
                    await self._shelve(number, had)
            await self._shelve_executors()
        except ReadModelsUnavailable as error:
            log.warning("the pulse can't be shown", why=str(error))

    def end(self) -> None:
        for each in self._had.values():
            each.running.cancel()
        self._had = {}

    async def _look_at_the_end(self) -> None:
        """Faust may have passed over a record, or stand still: the log itself doesn't."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                end = await self._history.end()
        except (LogUnavailable, TimeoutError):
            return
        for number, had in self._had.items():
            had.partition.grown(end.get(number, 0))

    def _have(self, number: int) -> None:
        partition = self._new_partition(number)
        running = self._guarded(partition.run())
        task = self._tasks.create_task(running, name=f"pulse of partition {number}")
        self._had[number] = Had(partition, task)
        log.info("has a partition of the pulse", partition=number)

    async def _shelve(self, number: int, had: Had) -> None:
        tables = had.partition.tables
        kinds: tuple[Mapping[str, Any], ...] = (tables.stopping, tables.slots, tables.deadlines)
        now: dict[Key, Any] = {
            (kind, key): row
            for kind, rows in zip(KINDS, kinds, strict=True)
            for key, row in list(rows.items())
        }
        if had.shelved is None:
            await asyncio.to_thread(self._shelf.take_over, number, self._id, now)
        else:
            changed = {key: row for key, row in now.items() if had.shelved.get(key) is not row}
            gone = [key for key in had.shelved if key not in now]
            if not (changed or gone):
                return
            mine = await asyncio.to_thread(self._shelf.write, number, self._id, changed, gone)
            if not mine:
                # Somebody took it over while we thought it ours; if it is, we take it back.
                had.shelved = None
                return
        had.shelved = now

    async def _shelve_executors(self) -> None:
        """Every worker hears of all of them: whoever wrote last is right."""
        now: dict[Key, Any] = {("executors", name): row for name, row in self._executors().items()}
        if now != self._executors_shelved:
            await asyncio.to_thread(self._shelf.take_over, NOBODYS, self._id, now)
            self._executors_shelved = now
