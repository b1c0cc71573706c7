"""The runs that an executor has, and which limits keep it from having more.

Knows no log: what a run's end makes possible is told to whoever waits for it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from services.executor.abilities import Abilities
from services.executor.run import LiveRun
from services.executor.settings import ExecutorSettings
from services.executor.waiting_room import Lane, Place


class HeldRuns:
    """Of one executor."""

    def __init__(
        self,
        settings: ExecutorSettings,
        abilities: Abilities,
        freed: Callable[[LiveRun], None],
    ) -> None:
        """`freed` hears of every run that isn't held any more."""
        self.by_place: dict[Place, LiveRun] = {}
        self.idle = asyncio.Event()
        self.idle.set()
        self._settings = settings
        self._abilities = abilities
        self._freed = freed
        self._of_kind: Counter[str] = Counter()
        self._own_processes = 0

    def take_up(self, run: LiveRun) -> None:
        self.by_place[run.place] = run
        self._of_kind[run.task.spec.kind] += 1
        self._own_processes += run.own_process
        self.idle.clear()

    def put_down(self, run: LiveRun) -> None:
        del self.by_place[run.place]
        self._of_kind[run.task.spec.kind] -= 1
        self._own_processes -= run.own_process
        if not self.by_place:
            self.idle.set()
        self._freed(run)

    @property
    def full(self) -> bool:
        return len(self.by_place) >= self._settings.concurrent_runs

    def at_its_limit(self, lane: Lane) -> bool:
        limit = self._settings.concurrent_runs_by_kind.get(lane.kind)
        if limit is not None and self._of_kind[lane.kind] >= limit:
            return True
        if self._own_processes < self._settings.concurrent_isolated_runs:
            return False
        runtime = self._abilities.runtime_of(lane.kind)
        return lane.isolated or (runtime is not None and runtime.has_own_process(lane.kind))
