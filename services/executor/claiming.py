"""Who is next is claimed, as long as there is room for another run, and lives from then on."""

import asyncio
from collections.abc import Mapping

from events.rules.running import why_not_claimable
from events.state import Root
from events.words import Evidence
from services.executor.abilities import Abilities
from services.executor.held_runs import HeldRuns
from services.executor.releases import left_behind
from services.executor.run import LiveRun
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place, WaitingRoom


class Claiming:
    """Of one executor."""

    def __init__(
        self,
        roots: Mapping[str, Root],
        room: WaitingRoom,
        held: HeldRuns,
        abilities: Abilities,
        around: Surroundings,
        *,
        undrained: asyncio.Event,
        fit: asyncio.Event,
    ) -> None:
        """It claims while `undrained` and `fit` are set."""
        self._roots = roots
        self._room = room
        self._held = held
        self._abilities = abilities
        self._around = around
        self._undrained = undrained
        self._fit = fit
        self._under_way = asyncio.Semaphore(around.settings.concurrent_claims)

    async def claim(self) -> None:
        """Take whoever is next, until cancelled."""
        while True:
            await self._room.ready.wait()
            await self._undrained.wait()
            await self._fit.wait()
            await self._under_way.acquire()
            if not (self._undrained.is_set() and self._fit.is_set()):
                self._under_way.release()  # What was true before the other waits isn't any more.
                continue
            place = self._next()
            run = None if place is None else self._run_at(place)
            if run is None:
                self._under_way.release()
            else:
                self._held.take_up(run)
                self._around.tasks.create_task(self._live(run))

    def _next(self) -> Place | None:
        if self._held.full:
            self._room.ready.clear()
            return None
        return self._room.take(self._held.at_its_limit)

    def _run_at(self, place: Place) -> LiveRun | None:
        """The run to be, if the task may still be claimed."""
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if root is None or task is None or place in self._held.by_place:
            return None
        now = self._around.world.now()
        if why_not_claimable(root, task, task.attempt, self._around.region, now) is not None:
            self._room.consider(place, root, task)
            return None
        return LiveRun(
            place=place,
            task=task,
            run_id=self._around.world.new_id(),
            runtime=self._abilities.runtime_of(task.spec.kind),
            around=self._around,
        )

    async def _live(self, run: LiveRun) -> None:
        try:
            try:
                claimed = await run.claim()
            finally:
                self._under_way.release()
            if claimed:
                await run.live()
        finally:
            self._held.put_down(run)
        if not claimed:
            await self._give_back(run)

    async def _give_back(self, run: LiveRun) -> None:
        """A claim that was given up may have become effective in the same moment."""
        root = self._roots.get(run.place.key)
        task = root.tasks.get(run.task.id) if root else None
        if task is not None and task.run is not None and task.run.id == run.run_id:
            voice, organization = self._around.voice, run.place.organization
            me = self._around.executor_id
            await voice.say(left_behind(me, voice, organization, task, Evidence.NEVER_STARTED))
