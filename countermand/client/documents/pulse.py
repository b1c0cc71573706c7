"""What is being stopped right now, and how long each phase takes."""

from typing import TypedDict


class PhaseTimes(TypedDict):
    """In seconds; None when nothing was timed."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class PulseWindow(TypedDict):
    """What ended in a stretch of time up to now."""

    phases: dict[str, PhaseTimes]
    evidence: dict[str, int]
    overran: int


class PulseGroup(TypedDict):
    """One handler in one region."""

    organization: str
    kind: str
    region: str
    stopping: int
    overdue: int
    windows: dict[str, PulseWindow]


class OverdueStop(TypedDict):
    """A stop that isn't proved, though its grace is over."""

    task_id: str
    kind: str
    region: str
    executor: str
    cancel_id: str
    requested_at: str
    observed_at: str | None
    due_at: str
    unconfirmed_at: str | None


class ExecutorCounts(TypedDict):
    """Of all organizations: they share executors."""

    alive: int
    draining: int
    lost: int
    running: int


class DeadlineCounts(TypedDict):
    """Deadlines past and not acted on yet, and those to come, by window."""

    due: int
    within: dict[str, int]


class Pulse(TypedDict):
    """What is being stopped right now, and how long each phase takes."""

    stopping: int
    unobserved: int
    overdue: int
    overdue_stops: list[OverdueStop]
    windows: dict[str, PulseWindow]
    groups: list[PulseGroup]
    executors: ExecutorCounts
    deadlines: DeadlineCounts
