"""What must be true once the calm has come: everything ends, and nobody who has room idles."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from events.rules.running import why_not_claimable
from events.state import Root, TaskState
from events.words import Reason, Status
from tests.simulation.node import START
from tests.simulation.promises import Where
from tests.simulation.services import REGION
from tests.simulation.world import ExecutorHome, World

CLAIMED_WITHIN_SECONDS = 15.0

NEEDS_OTHERS = (
    Reason.DEPENDENCIES_UNMET,
    Reason.PROJECT_NOT_EXECUTING,
    Reason.PROJECT_INCOMPLETE,
)


class Settling:
    def __init__(self, world: World) -> None:
        self._world = world
        self._claimable_since: dict[Where, float] = {}

    @property
    def settled(self) -> bool:
        return not self._world.promises.alive and not self.unsettled()

    def unsettled(self) -> list[str]:
        promises = self._world.promises
        open_tasks = [
            f"{task.id} is {task.status} (attempt {task.attempt}, run {task.run and task.run.id})"
            for root in promises.roots.values()
            for task in root.tasks.values()
            if not task.finished and not self._rests(root, task)
        ]
        not_cancelled = [
            f"{task_id} was cancelled and is {promises.roots[key].tasks[task_id].status}"
            for key, task_id in promises.cancelled
            if promises.roots[key].tasks[task_id].status is not Status.CANCELLED
        ]
        return open_tasks + not_cancelled

    def look(self) -> None:
        """No wake-up is lost: whoever has room takes what may be claimed."""
        now = self._world.schedule.now
        claimable = {
            where: self._claimable_since.get(where, now) for where in self._claimable_by_somebody()
        }
        for (_, task_id), since in claimable.items():
            self._world.promises.require(
                now - since <= CLAIMED_WITHIN_SECONDS,
                f"{task_id} could be claimed since {since:.1f} s, and nobody does",
            )
        self._claimable_since = claimable

    def _rests(self, root: Root, task: TaskState) -> bool:
        """It is pending, and nothing that is under way will change that."""
        if task.status is not Status.PENDING or self._why_not(root, task) not in NEEDS_OTHERS:
            return False
        dependencies = [root.tasks.get(each) for each in task.spec.depends_on]
        return all(
            dependency is None or dependency.finished or self._rests(root, dependency)
            for dependency in dependencies
        )

    def _claimable_by_somebody(self) -> Iterator[Where]:
        for key, root in self._world.promises.roots.items():
            for task in root.tasks.values():
                if (
                    task.status is Status.PENDING
                    and self._why_not(root, task) is None
                    and any(self._has_room(home, task) for home in self._world.executors)
                ):
                    yield key, task.id

    def _why_not(self, root: Root, task: TaskState) -> Reason | None:
        return why_not_claimable(root, task, task.attempt, REGION, self._now)

    @property
    def _now(self) -> datetime:
        return START + timedelta(seconds=self._world.schedule.now)

    def _has_room(self, home: ExecutorHome, task: TaskState) -> bool:
        spec, settings, machine = task.spec, home.settings, home.machine
        runs = self._world.runs_of(home)
        isolated = [r for r in runs if r.order.isolated or r.order.kind in machine.isolated_kinds]
        of_kind = [r for r in runs if r.order.kind == spec.kind]
        return (
            home.up
            and spec.kind in machine.kinds | machine.isolated_kinds
            and all(settings.labels.get(name) == value for name, value in spec.requires.items())
            and len(runs) < settings.concurrent_runs
            and len(isolated) < settings.concurrent_isolated_runs
            and len(of_kind) < settings.concurrent_runs_by_kind.get(spec.kind, 1000)
        )
