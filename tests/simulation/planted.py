"""Bugs to be found: each breaks one method of the real services, as somebody might."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from events.errors import LogUnavailable
from events.event import Event
from events.ids import derived_id
from events.log import message
from events.positions import Position
from events.run_events import RunLost, TaskStarted
from events.state import Cancel, TaskState
from events.words import Evidence
from services.executor.claiming import Claiming
from services.executor.held_runs import HeldRuns
from services.executor.ladder import Ladder
from services.executor.lease import Lease
from services.executor.reactions import Reactions
from services.executor.run import LiveRun
from services.executor.runtime import Ending, RunHandle, Stop, Stopped
from services.executor.waiting_room import Lane, Place, WaitingRoom
from services.voice import Voice
from services.watchdog import Watchdog


class Bug(NamedTuple):
    """One method, and what it does wrong."""

    owner: type
    method: str
    wrong: Callable[..., Any]
    shown_by: int = 0
    """A seed that showed it once: tried first, to save time."""


async def claims_without_reading_the_verdict(self: LiveRun) -> bool:
    body = TaskStarted(
        actor=self.record.me,
        run_id=self.run_id,
        attempt=self.task.attempt,
        executor=self.around.executor_id,
        region=self.around.region,
    )
    await self.around.voice.say(self.record.event(body))
    return True


async def calls_it_killed_before_it_is_gone(self: Ladder, handle: RunHandle) -> Ending:
    assert self.stop is not None
    handle.force(self.stop)
    return Stopped(Evidence.KILLED)


def wakes_nobody_when_a_run_has_ended(self: Reactions, run: LiveRun) -> None:
    self._look_at_one(run.place)


def wakes_nobody_for_a_task_whose_time_has_come(self: WaitingRoom) -> None:
    self._timer = None


def queues_without_a_word(self: WaitingRoom, place: Place, lane: Lane) -> None:
    self._queued.add(place)
    self._next.setdefault(lane, deque()).append(place)


async def calls_runs_lost_without_reading_the_heartbeats(self: Watchdog, executor: str) -> None:
    for where, run_id in list(self._runs.get(executor, {}).items()):
        body = RunLost(actor=self._actor(where), run_id=run_id, executor=executor)
        await self._voice.say(self._event(where, body, derived_id(run_id, "lost")))
    now = asyncio.get_running_loop().time()
    self._lease_over[executor] = now + self._settings.lease_seconds


def forgets_that_it_has_only_just_come(self: Watchdog, executor: str) -> float:
    return self._lease_over.get(executor, 0.0) + self._settings.margin_seconds


async def counts_its_lease_from_the_answer(self: Lease, *, ended: bool = False) -> None:
    await right_beat(self, ended=ended)
    self.until = asyncio.get_running_loop().time() + self._lease_seconds


right_beat = Lease.beat


async def gives_up_when_the_log_does_not_answer(self: Voice, *events: Event) -> Sequence[Position]:
    try:
        return await self._log.append([message(event) for event in events])
    except LogUnavailable:
        return []


def takes_no_cancel_before_it_runs(self: Ladder, cancel: Cancel) -> None:
    if self.handle is not None:
        right_cancelled_by(self, cancel)


right_cancelled_by = Ladder.cancelled_by


def asks_where_it_should_force(self: Ladder, cancel: Cancel) -> None:
    self.cancel = cancel
    self.stop = Stop("request", forced=False, grace_seconds=1e9)
    self.told.set()


def claims_however_much_it_runs(self: Claiming) -> Place | None:
    return self._room.take(self._held.at_its_limit)


def knows_no_limit_of_a_kind(self: HeldRuns, lane: Lane) -> bool:
    if self._own_processes < self._settings.concurrent_isolated_runs:
        return False
    runtime = self._abilities.runtime_of(lane.kind)
    return lane.isolated or (runtime is not None and runtime.has_own_process(lane.kind))


def knows_no_limit_of_isolated_runs(self: HeldRuns, lane: Lane) -> bool:
    limit = self._settings.concurrent_runs_by_kind.get(lane.kind)
    return limit is not None and self._of_kind[lane.kind] >= limit


def takes_what_requires_other_labels(self: WaitingRoom, task: TaskState) -> bool:
    return task.spec.region == self._region


PLANTED = {
    bug.wrong.__name__: bug
    for bug in (
        Bug(LiveRun, "claim", claims_without_reading_the_verdict),
        Bug(Ladder, "_stopped", calls_it_killed_before_it_is_gone, 1),
        Bug(Ladder, "cancelled_by", takes_no_cancel_before_it_runs, 17),
        Bug(Ladder, "cancelled_by", asks_where_it_should_force, 10),
        Bug(Reactions, "freed", wakes_nobody_when_a_run_has_ended, 2),
        Bug(Claiming, "_next", claims_however_much_it_runs, 1),
        Bug(HeldRuns, "at_its_limit", knows_no_limit_of_a_kind, 3),
        Bug(HeldRuns, "at_its_limit", knows_no_limit_of_isolated_runs, 4),
        Bug(WaitingRoom, "_may_have_it", takes_what_requires_other_labels, 7),
        Bug(WaitingRoom, "_its_time", wakes_nobody_for_a_task_whose_time_has_come),
        Bug(WaitingRoom, "_queue", queues_without_a_word),
        Bug(Watchdog, "_lost", calls_runs_lost_without_reading_the_heartbeats, 44),
        Bug(Watchdog, "_over_at", forgets_that_it_has_only_just_come, 11),
        Bug(Lease, "beat", counts_its_lease_from_the_answer, 29),
        Bug(Voice, "say", gives_up_when_the_log_does_not_answer, 9),
    )
}


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """With this bug in place; None for none."""
    if name is None:
        yield
        return
    bug = PLANTED[name]
    right = getattr(bug.owner, bug.method)
    setattr(bug.owner, bug.method, bug.wrong)
    try:
        yield
    finally:
        setattr(bug.owner, bug.method, right)
