"""The one clock of a simulation, and everything that is due by it, in one order.

Nothing waits for real: the clock jumps to whatever comes next. What is due in the same instant
happens in the order in which it was scheduled.
"""

import heapq
from collections.abc import Callable
from typing import Any

STEPS_IN_ONE_INSTANT = 100_000
"""More than this, and somebody goes round in circles without waiting for anything."""


class Livelock(AssertionError):
    """Time stands still because somebody is busy with nothing."""


class Due:
    """Something that happens, unless it is called off."""

    __slots__ = ("args", "do")

    def __init__(self, do: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.do: Callable[..., object] | None = do
        self.args = args

    def call_off(self) -> None:
        self.do = None
        self.args = ()


class Schedule:
    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the simulation began."""
        self.steps = 0
        self._due: list[tuple[float, int, Due]] = []
        self._order = 0
        self._steps_in_this_instant = 0

    def at(self, when: float, do: Callable[..., object], *args: Any) -> Due:
        due = Due(do, args)
        self._order += 1
        heapq.heappush(self._due, (max(when, self.now), self._order, due))
        return due

    def after(self, seconds: float, do: Callable[..., object], *args: Any) -> Due:
        return self.at(self.now + seconds, do, *args)

    def run_until(self, end: float) -> None:
        """Let everything happen that is due until then."""
        while self._due and self._due[0][0] <= end:
            when, _, due = heapq.heappop(self._due)
            if due.do is None:
                continue
            if when > self.now:
                self.now = when
                self._steps_in_this_instant = 0
            self.steps += 1
            self._steps_in_this_instant += 1
            if self._steps_in_this_instant > STEPS_IN_ONE_INSTANT:
                raise Livelock(f"at {self.now:.3f} s somebody is busy with nothing: {due.do}")
            due.do(*due.args)
        self.now = max(self.now, end)
