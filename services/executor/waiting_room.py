"""Pending tasks, and when each may be claimed by this executor.

Costs nothing while nothing happens: a task that must wait for its time is in a heap under one
timer, one that waits for another is looked up by what it waits for, and those of a kind that only
others know are left to them, all together.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Collection
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


class Lane(NamedTuple):
    """Tasks that the same limits hold up."""

    kind: str
    isolated: bool


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
        strange_kinds_seconds: float,
    ) -> None:
        """`strange_kinds_seconds`: for how long nobody else must have known a kind before this
        executor takes its tasks, to say that the kind doesn't exist."""
        self.ready = asyncio.Event()
        """Set while there may be something to claim."""
        self._me = me
        self._region = region
        self._kinds = kinds
        self._peers = peers
        self._settings = settings
        self._world = world
        self._strange_kinds_seconds = strange_kinds_seconds
        self._next: dict[Lane, deque[Place]] = {}
        """By lane, so that a kind at its limit holds nobody else up. None of them is empty."""
        self._queued: set[Place] = set()
        self._later: list[tuple[float, int, Place, Lane]] = []
        self._put_off_already: set[Place] = set()
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = 0.0
        """When the timer ends, if there is one."""
        self._waiting_for: dict[tuple[str, str], dict[Place, None]] = {}
        """By key and id of the first dependency that isn't met."""
        self._waits_for: dict[Place, tuple[str, str]] = {}
        self._strange: dict[str, dict[Place, Lane]] = {}
        """By kind, what is left to those who know it."""
        self._known_to_nobody_since: dict[str, float] = {}
        self._looked_at = 0.0

    def consider(self, place: Place, root: Root, task: TaskState) -> None:
        """A pending task is new, or something about it changed."""
        if place in self._queued or not self._may_have_it(task):
            return
        lane = Lane(task.spec.kind, task.spec.isolation == "isolated")
        now = self._world.now()
        reason = why_not_claimable(root, task, task.attempt, self._region, now)
        match reason:
            case None if (delay := self._delay(task)) > 0:
                self._put_off(place, lane, delay)
            case None:
                self._let_in(place, lane)
            case Reason.TOO_EARLY:
                assert task.not_before is not None
                self._put_off(place, lane, seconds_until(task.not_before, now))
            case Reason.DEPENDENCIES_UNMET:
                self._wait_for((place.key, first_unmet(root, task)), place)
            case _:
                pass  # The event that changes it brings the task here again.

    def released(self, key: str, task: TaskState) -> Collection[Place]:
        """Who waited for this task, now that it has ended well."""
        if not self._waiting_for or task.status not in MET:
            return ()
        places = self._waiting_for.pop((key, task.id), {})
        for place in places:
            del self._waits_for[place]
        return places

    def forget(self, place: Place, kind: str) -> None:
        """This task isn't pending any more: it waits for nothing."""
        strange = self._strange.get(kind)
        if strange is not None:
            strange.pop(place, None)
        self._wait_no_more(place)

    def take(self, at_its_limit: Callable[[Lane], bool]) -> Place | None:
        """The next task to claim that no limit holds up."""
        for lane, places in self._next.items():
            if at_its_limit(lane):
                continue
            place = places.popleft()
            self._queued.discard(place)
            del self._next[lane]
            if places:
                self._next[lane] = places  # Lanes take turns.
            return place
        self.ready.clear()
        return None

    def look_at_strange_kinds(self) -> None:
        """Now and then: what nobody has known for long enough is taken, to say so."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > self._strange_kinds_seconds:
            self._known_to_nobody_since.clear()  # It was stopped itself, and heard of nobody.
        self._looked_at = now
        for kind in list(self._strange):
            if self._peers.anybody_knows(kind):
                self._known_to_nobody_since.pop(kind, None)
                continue
            since = self._known_to_nobody_since.setdefault(kind, now)
            if now - since >= self._strange_kinds_seconds:
                del self._known_to_nobody_since[kind]
                for place, lane in self._strange.pop(kind).items():
                    self._queue(place, lane)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _may_have_it(self, task: TaskState) -> bool:
        spec, labels = task.spec, self._settings.labels
        if spec.region != self._region:
            return False
        requires = spec.requires
        return not requires or all(labels.get(name) == value for name, value in requires.items())

    def _delay(self, task: TaskState) -> float:
        """Others may be first."""
        ahead = self._peers.before(self._me, task.id, task.spec.kind, task.spec.requires)
        return ahead * self._settings.claim_delay_seconds

    def _let_in(self, place: Place, lane: Lane) -> None:
        """Nothing of its own holds this task up any more."""
        if lane.kind in self._kinds or self._strange_kinds_seconds == 0:
            self._queue(place, lane)
        else:
            self._strange.setdefault(lane.kind, {})[place] = lane

    def _queue(self, place: Place, lane: Lane) -> None:
        if place not in self._queued:
            self._queued.add(place)
            self._next.setdefault(lane, deque()).append(place)
            self.ready.set()

    def _wait_for(self, awaited: tuple[str, str], place: Place) -> None:
        self._wait_no_more(place)
        self._waits_for[place] = awaited
        self._waiting_for.setdefault(awaited, {})[place] = None

    def _wait_no_more(self, place: Place) -> None:
        awaited = self._waits_for.pop(place, None)
        if awaited is not None:
            places = self._waiting_for[awaited]
            del places[place]
            if not places:
                del self._waiting_for[awaited]

    def _put_off(self, place: Place, lane: Lane, seconds: float) -> None:
        if place in self._put_off_already:
            return  # It is looked at again when its first time comes.
        self._put_off_already.add(place)
        self._order += 1
        due = asyncio.get_running_loop().time() + seconds
        heapq.heappush(self._later, (due, self._order, place, lane))
        if self._timer is None or due < self._looks_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        # A bound on the wait: wall clocks are set, and a day's timer notices a day later.
        self._looks_at = min(self._later[0][0], loop.time() + 3600)
        self._timer = loop.call_at(self._looks_at, self._its_time)

    def _its_time(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            _, _, place, lane = heapq.heappop(self._later)
            self._put_off_already.discard(place)
            self._let_in(place, lane)  # Whoever takes it looks again.
        if self._later:
            self._set_timer()


MET = (Status.SUCCEEDED, Status.SKIPPED)


def first_unmet(root: Root, task: TaskState) -> str:
    """The first dependency that holds the task up."""
    return next(
        each
        for each in task.spec.depends_on
        if (dependency := root.tasks.get(each)) is None or dependency.status not in MET
    )


def seconds_until(moment: datetime, now: datetime) -> float:
    return max((moment - now).total_seconds(), 0.0)
