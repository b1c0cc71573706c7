"""Pending tasks, and when each may be claimed by this executor.

Costs nothing while nothing happens: a task that must wait for its time is in a heap under one
timer, one that waits for others is looked up by what it waits for.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from events.rules.running import why_not_claimable
from events.state import Root, TaskState
from events.words import Reason, Status
from services.executor.peers import Peers
from services.executor.settings import ExecutorSettings
from services.world import World


class Place(NamedTuple):
    """A task's name within this process."""

    key: str
    organization: str
    task_id: str


class WaitingRoom:
    """Who waits, and who is next."""

    def __init__(
        self,
        me: str,
        region: str,
        kinds: frozenset[str],
        peers: Peers,
        settings: ExecutorSettings,
        world: World,
    ) -> None:
        self.ready = asyncio.Event()
        """Set while there may be something to claim."""
        self._me = me
        self._region = region
        self._kinds = kinds
        self._peers = peers
        self._settings = settings
        self._world = world
        self._next: dict[str, deque[Place]] = {}
        """By kind, so that a kind at its limit holds nobody else up."""
        self._queued: set[Place] = set()
        self._later: list[tuple[float, int, Place, str]] = []
        self._put_off_already: set[Place] = set()
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_for: dict[tuple[str, str], set[Place]] = {}

    def consider(self, place: Place, root: Root, task: TaskState) -> None:
        """A pending task is new, or something about it changed."""
        if place in self._queued or not self._may_have_it(task):
            return
        reason = why_not_claimable(root, task, task.attempt, self._region, self._world.now())
        match reason:
            case None:
                delay = self._delay(task)
                if delay > 0:
                    self._put_off(place, task.spec.kind, delay)
                else:
                    self._queue(place, task.spec.kind)
            case Reason.TOO_EARLY:
                assert task.not_before is not None
                wait = seconds_until(task.not_before, self._world.now())
                self._put_off(place, task.spec.kind, wait)
            case Reason.DEPENDENCIES_UNMET:
                for dependency in task.spec.depends_on:
                    self._waiting_for.setdefault((place.key, dependency), set()).add(place)
            case _:
                pass  # The event that changes it brings the task here again.

    def released(self, key: str, task: TaskState) -> Iterator[Place]:
        """Who waited for this task, now that it has ended for good."""
        if task.status in (Status.SUCCEEDED, Status.SKIPPED, Status.CANCELLED):
            yield from self._waiting_for.pop((key, task.id), ())

    def take(self, at_its_limit: frozenset[str]) -> Place | None:
        """The next task to claim whose kind isn't at its limit."""
        for kind, places in self._next.items():
            if kind in at_its_limit or not places:
                continue
            place = places.popleft()
            self._queued.discard(place)
            self._next[kind] = self._next.pop(kind)  # Kinds take turns.
            return place
        self.ready.clear()
        return None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _may_have_it(self, task: TaskState) -> bool:
        spec, labels = task.spec, self._settings.labels
        return spec.region == self._region and all(
            labels.get(name) == value for name, value in spec.requires.items()
        )

    def _delay(self, task: TaskState) -> float:
        """Others may be first; a kind unknown here waits for somebody who knows it."""
        spec = task.spec
        ahead = self._peers.before(self._me, task.id, spec.kind, spec.requires)
        if spec.kind not in self._kinds and ahead:
            ahead += 10
        return ahead * self._settings.claim_delay_seconds

    def _queue(self, place: Place, kind: str) -> None:
        self._queued.add(place)
        self._next.setdefault(kind, deque()).append(place)
        self.ready.set()

    def _put_off(self, place: Place, kind: str, seconds: float) -> None:
        if place in self._put_off_already:
            return  # It is looked at again when its first time comes.
        self._put_off_already.add(place)
        self._order += 1
        loop = asyncio.get_running_loop()
        heapq.heappush(self._later, (loop.time() + seconds, self._order, place, kind))
        if self._later[0][1] == self._order:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        # A bound on the wait: wall clocks are set, and a day's timer notices a day later.
        due = min(self._later[0][0], loop.time() + 3600)
        self._timer = loop.call_at(due, self._its_time)

    def _its_time(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            _, _, place, kind = heapq.heappop(self._later)
            self._put_off_already.discard(place)
            if place not in self._queued:
                self._queue(place, kind)  # Whoever takes it looks again.
        if self._later:
            self._set_timer()


def seconds_until(moment: datetime, now: datetime) -> float:
    return max((moment - now).total_seconds(), 0.0)
