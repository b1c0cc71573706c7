"""How fast a cancel of many tasks goes: at the pace that was ordered, in steps, and aside while
others cancel single tasks. Knows no tasks and no log."""

from collections.abc import Callable

STEPS_PER_SECOND = 20
"""At least: a slow pace is kept by smaller steps rather than by longer pauses."""
TASKS_BESIDE_OTHERS = 8
"""In one step, while others cancel single tasks."""
OTHERS_SECONDS = 0.1
"""For so long after one of them more are expected: they come one after another."""
CATCH_UP_SECONDS = 0.1
"""So much lateness is made up for, as some steps take longer than others. Beyond it, what was late
stays late: the pace is a limit, not a promise."""


class Pace:
    """Of one job. For each step, ask for its `size` when it begins and for its `end` when it is
    done."""

    def __init__(
        self,
        per_second: float,
        step_tasks: int,
        asked: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        """`asked`: how often others have asked for something so far."""
        self._per_second = per_second
        self._step_tasks = min(step_tasks, max(1, int(per_second / STEPS_PER_SECOND)))
        self._asked = asked
        self._clock = clock
        self._asked_before = asked()
        self._others_until = self._began = self._due = clock()

    def size(self) -> int:
        """How many tasks the step that begins now has."""
        self._began = self._clock()
        if self._alone(self._began):
            return self._step_tasks
        return min(self._step_tasks, TASKS_BESIDE_OTHERS)

    def end(self, tasks: int) -> float:
        """When the next step may begin, after one of so many tasks. Every other moment is the
        others', while there are any."""
        now = self._clock()
        self._due = max(self._due + tasks / self._per_second, now - CATCH_UP_SECONDS)
        return self._due if self._alone(now) else max(self._due, now + now - self._began)

    def _alone(self, now: float) -> bool:
        asked = self._asked()
        if asked != self._asked_before:
            self._asked_before, self._others_until = asked, now + OTHERS_SECONDS
        return now >= self._others_until
