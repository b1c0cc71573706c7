"""Remote runs, which outlive executors: whose executor is gone is adopted by another.

Of several that try, the log chooses one.
"""

import asyncio
from collections.abc import Mapping

from events.state import Root, Run, TaskState
from events.words import ACTIVE
from services.executor.abilities import Abilities
from services.executor.held_runs import HeldRuns
from services.executor.peers import Peers
from services.executor.run import LiveRun
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place


class Adoptions:
    """Of one executor."""

    def __init__(
        self,
        roots: Mapping[str, Root],
        held: HeldRuns,
        abilities: Abilities,
        peers: Peers,
        around: Surroundings,
        *,
        alone: bool,
        listening_since: float,
    ) -> None:
        """`listening_since`: when it began to hear its peers, by the event loop's clock."""
        self._roots = roots
        self._held = held
        self._abilities = abilities
        self._peers = peers
        self._around = around
        self._alone = alone
        self._listening_since = listening_since
        self._left: dict[Place, None] = {}
        """Remote runs that go on, and that nobody here looks after."""
        self._ending = False

    def end(self) -> None:
        """Adopt nothing more, and let go of what there is."""
        self._ending = True
        self.let_go()

    def let_go(self) -> None:
        """They go on without this executor, or at least without its engine."""
        for run in self._held.by_place.values():
            if run.runtime is not None and run.runtime.remote:
                run.disown()

    def freed(self, run: LiveRun) -> None:
        """Nobody here looks after it now; until its executor, if there is one, says more."""
        if run.disowned and run.runtime is not None and run.runtime.remote:
            self._left[run.place] = None

    def forget(self, place: Place) -> None:
        """What ran here doesn't any more."""
        self._left.pop(place, None)

    def adopt_what_is_left(self) -> None:
        for place in list(self._left):
            self.adopt(place)

    def adopt(self, place: Place) -> None:
        """Look after this remote run, if nobody does, and if that is possible here."""
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if task is None or task.status not in ACTIVE:
            self._left.pop(place, None)
            return
        busy = self._ending or place in self._held.by_place
        run = None if busy else self._adoption(place, task)
        if run is None:
            self._left[place] = None
            return
        self._left.pop(place, None)
        self._held.take_up(run)
        self._around.tasks.create_task(self._live_on(run))

    def _adoption(self, place: Place, task: TaskState) -> LiveRun | None:
        if task.run is None or not task.run.remote:
            return None
        runtime = self._abilities.runtime_of(task.spec.kind)
        if runtime is None or task.spec.region != self._around.region:
            return None
        if not self._is_gone(task.run):
            return None
        adopted = LiveRun(
            place=place,
            task=task,
            run_id=task.run.id,
            runtime=runtime,
            around=self._around,
            adopts=task.run,
        )
        if task.cancel is not None:
            adopted.cancelled_by(task.cancel)
        return adopted

    def _is_gone(self, run: Run) -> bool:
        """Whose run it was says nothing any more; that takes having listened for a whole lease."""
        if self._alone or run.executor == self._around.executor_id:
            return True
        listened = asyncio.get_running_loop().time() - self._listening_since
        alive = {heartbeat.executor for heartbeat in self._peers.alive()}
        return listened > self._around.settings.lease_seconds and run.executor not in alive

    async def _live_on(self, run: LiveRun) -> None:
        try:
            if await run.adopt():
                await run.live()
        finally:
            self._held.put_down(run)
