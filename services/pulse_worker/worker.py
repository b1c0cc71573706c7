"""A worker of the pulse: the partitions that Faust gives it, and the shelf where gateways look."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from services.pulse_worker.partition import Partition
from services.pulse_worker.rows import KINDS
from services.pulse_worker.shelf import NOBODYS, Key, Shelf
from services.read_models.errors import ReadModelsUnavailable

log = structlog.get_logger(__name__)


class Had:
    """A partition that this worker has: what keeps it, and what is on the shelf."""

    def __init__(self, partition: Partition, saying: "asyncio.Task[None]") -> None:
        self.partition = partition
        self.saying = saying
        self.shelved: dict[Key, Any] | None = None
        """None: its rows on the shelf are still its former worker's."""


class Worker:
    """One object a process."""

    def __init__(
        self,
        worker_id: str,
        shelf: Shelf,
        partitions: Callable[[], frozenset[int]],
        new_partition: Callable[[int], Partition],
        executors: Callable[[], Mapping[str, Any]],
        budgets: Callable[[], Mapping[str, float]],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._id = worker_id
        self._shelf = shelf
        self._partitions = partitions
        self._new_partition = new_partition
        self._executors = executors
        self._budgets = budgets
        self._tasks = tasks
        self._had: dict[int, Had] = {}
        self._executors_shelved: dict[Key, Any] | None = None

    @property
    def stopped(self) -> bool:
        """Whether any partition of this worker goes no further."""
        return any(each.partition.stopped is not None for each in self._had.values())

    async def grown(self, partition: int, offset: int) -> None:
        """In the agent."""
        await self._have(partition).partition.reach(offset, self._budgets())

    async def tick(self) -> None:
        """In the timer: forget what others have now, and put on the shelf what has changed."""
        mine = self._partitions()
        for number in [number for number in self._had if number not in mine]:
            self._had.pop(number).saying.cancel()
        try:
            for number in sorted(mine):
                await self._shelve(number, self._have(number))
            await self._shelve_executors()
        except ReadModelsUnavailable as error:
            log.warning("the pulse can't be shown", why=str(error))

    def end(self) -> None:
        for each in self._had.values():
            each.saying.cancel()
        self._had = {}

    def _have(self, number: int) -> Had:
        had = self._had.get(number)
        if had is None:
            partition = self._new_partition(number)
            saying = self._tasks.create_task(partition.overruns.run(), name=f"overruns {number}")
            had = self._had[number] = Had(partition, saying)
            log.info("has a partition of the pulse", partition=number)
        return had

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
