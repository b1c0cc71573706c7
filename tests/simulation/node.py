"""A process of the simulation: an event loop of its own, a clock of its own, and how it can fare.

It can be stopped and continued (as by SIGSTOP and SIGCONT), and it can die. Its callbacks are steps
of the one schedule; what comes in while it is stopped waits, what comes after its death is lost.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any

from services.own_words import OwnWords
from services.world import World
from tests.simulation.schedule import Due, Schedule

START = datetime(2026, 1, 1, tzinfo=UTC)


class NodeLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures and timers need."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._timers: dict[int, Due] = {}
        self._rung = 0.0
        """When the latest timer was due: rounding must not make the clock stand before it."""
        self.tasks: dict[int, asyncio.Task[Any]] = {}
        """All that haven't ended, so that nothing is collected as garbage at a chance moment."""

    def time(self) -> float:
        return max(self._node.schedule.now + self._node.uptime, self._rung)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._node.schedule.after(0.0, self._node.step, handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        due = self._node.schedule.at(when - self._node.uptime, self._ring, timer)
        self._timers[id(timer)] = due
        return timer

    def _ring(self, timer: asyncio.TimerHandle) -> None:
        self._timers.pop(id(timer), None)
        self._rung = max(self._rung, timer.when())
        self._node.step(timer)

    def _timer_handle_cancelled(self, timer: asyncio.TimerHandle) -> None:
        due = self._timers.pop(id(timer), None)
        if due is not None:
            due.call_off()

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks[id(task)] = task
        task.add_done_callback(lambda ended: self.tasks.pop(id(ended), None))
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self._node.ending:
            self._node.broken.append(f"{self._node.name}: {context.get('message')}: {error!r}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False


class Node:
    """One process."""

    def __init__(self, name: str, schedule: Schedule, seed: str) -> None:
        self.name = name
        self.schedule = schedule
        self.random = random.Random(f"{seed}/{name}")
        self.uptime = self.random.uniform(1.0, 1e5)
        """Its monotonic clock began at some other time than ours."""
        self.skew_seconds = self.random.choice((0.0, 0.0, self.random.uniform(-1.5, 1.5)))
        """How wrong its wall clock is."""
        self.dead = False
        self.stopped = False
        self.ending = False
        self.broken: list[str] = []
        """Errors that nobody handled."""
        self.loop = NodeLoop(self)  # type: ignore[abstract]
        self.world = World(now=self.wall_clock, randomness=lambda: self.random.getrandbits(74))
        self.words = OwnWords()
        self._held_back: list[asyncio.Handle] = []

    def wall_clock(self) -> datetime:
        return START + timedelta(seconds=self.schedule.now + self.skew_seconds)

    # What happens in it

    def begin(self, life: Coroutine[Any, Any, Any], ended: Callable[[Any], None]) -> None:
        """Live. `ended` is called with the error that ended this life, or None."""
        task = self.within(lambda: self.loop.create_task(life))

        def over(done: "asyncio.Task[Any]") -> None:
            if not self.dead and not self.ending:
                ended(None if done.cancelled() else done.exception())

        task.add_done_callback(over)

    def post(self, do: Callable[..., object], *args: Any) -> None:
        """Something comes in from outside."""
        if not self.dead:
            self.loop.call_soon(do, *args)

    def post_after(self, seconds: float, do: Callable[..., object], *args: Any) -> None:
        self.schedule.after(seconds, self.post, do, *args)

    def step(self, handle: asyncio.Handle) -> None:
        if self.dead or handle.cancelled():
            return
        if self.stopped:
            self._held_back.append(handle)
            return
        self.within(handle._run)

    def within(self, do: Callable[[], Any]) -> Any:
        """Do this with the node's own loop as the running one."""
        asyncio._set_running_loop(self.loop)
        try:
            return do()
        finally:
            asyncio._set_running_loop(None)

    async def round_trip(self, seconds: float) -> None:
        """To somebody else and back."""
        await asyncio.sleep(seconds)

    # How it can fare

    def stop(self) -> None:
        self.stopped = True

    def go_on(self) -> None:
        self.stopped = False
        held_back, self._held_back = self._held_back, []
        for handle in held_back:
            self.schedule.after(0.0, self.step, handle)

    def die(self) -> None:
        self.dead = True
        self._held_back.clear()

    def bury(self) -> None:
        """After the simulation: let every task end, so that nothing is left to chance."""
        self.ending = True
        self.dead = self.stopped = False
        for _ in range(20):
            for task in list(self.loop.tasks.values()):
                task.cancel()
            self.schedule.run_until(self.schedule.now)
            if not self.loop.tasks:
                break
        self.dead = True
