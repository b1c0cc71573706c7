"""What the rows come to at some moment, as it is shown to people: one organization's, or all."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

from projections.pulse.deadlines import Deadline
from projections.pulse.executors import ExecutorRow, state
from projections.pulse.histogram import Histogram, quantile_us
from projections.pulse.slots import WINDOWS, Slot, over, together
from projections.pulse.stopping import Stopping

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHOWN = 100
"""Overdue stops by name; what is beyond is only counted."""


class PhaseTimes(TypedDict):
    """In seconds; None when nothing was timed."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class WindowPicture(TypedDict):
    """What ended in a window."""

    phases: dict[str, PhaseTimes]
    evidence: dict[str, int]
    overran: int


class GroupPicture(TypedDict):
    """One handler of an organization in one region."""

    organization: str
    kind: str
    region: str
    stopping: int
    overdue: int
    windows: dict[str, WindowPicture]


class Executors(TypedDict):
    alive: int
    draining: int
    lost: int
    running: int


class Deadlines(TypedDict):
    """How many are past and not acted on yet, and how many come within each window."""

    due: int
    within: dict[str, int]


class Picture(TypedDict):
    """All that there is to see."""

    stopping: int
    unobserved: int
    overdue: int
    overdue_stops: list[Stopping]
    windows: dict[str, WindowPicture]
    groups: list[GroupPicture]
    executors: Executors
    deadlines: Deadlines


def picture(
    now_us: int,
    *,
    stopping: Iterable[Stopping],
    slots: Iterable[Slot],
    executors: Iterable[ExecutorRow],
    deadlines: Iterable[Deadline],
    margin_us: int,
) -> Picture:
    """`margin_us`: how long after its grace a stop may still be on its way to be confirmed."""
    live = list(stopping)
    late = sorted(
        (row for row in live if overdue(row, now_us, margin_us)), key=lambda row: row["due_us"]
    )
    counted = [slot for slot in slots if not over(slot, now_us)]
    return {
        "stopping": len(live),
        "unobserved": sum(row["observed_us"] is None for row in live),
        "overdue": len(late),
        "overdue_stops": late[:SHOWN],
        "windows": windows(counted),
        "groups": groups(live, late, counted),
        "executors": executor_counts(executors, now_us),
        "deadlines": deadline_counts(deadlines, now_us),
    }


def overdue(row: Stopping, now_us: int, margin_us: int) -> bool:
    """Said to be unconfirmed, or silent for longer than anything needs."""
    return row["unconfirmed_us"] is not None or row["due_us"] + margin_us < now_us


def windows(slots: Sequence[Slot]) -> dict[str, WindowPicture]:
    shown: dict[str, WindowPicture] = {}
    for window in WINDOWS:
        counted = together(slot for slot in slots if slot["window"] == window.name)
        shown[window.name] = {
            "phases": {name: phase_times(each) for name, each in counted["phases"].items()},
            "evidence": counted["evidence"],
            "overran": counted["overran"],
        }
    return shown


def phase_times(times: Histogram) -> PhaseTimes:
    count = times["count"]
    seconds = {name: in_seconds(quantile_us(times, each)) for name, each in QUANTILES.items()}
    return {
        "count": count,
        "mean": times["sum_us"] / count / 1_000_000 if count else None,
        "p50": seconds["p50"],
        "p95": seconds["p95"],
        "p99": seconds["p99"],
    }


def in_seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def groups(
    live: Sequence[Stopping], late: Sequence[Stopping], slots: Sequence[Slot]
) -> list[GroupPicture]:
    by_group: dict[tuple[str, ...], list[Slot]] = {}
    for slot in slots:
        by_group.setdefault(tuple(slot["group"]), []).append(slot)
    alive, overdue_ones = tally(live), tally(late)
    return [
        {
            "organization": group[0],
            "kind": group[1],
            "region": group[2],
            "stopping": alive.get(group, 0),
            "overdue": overdue_ones.get(group, 0),
            "windows": windows(by_group.get(group, [])),
        }
        for group in sorted({*by_group, *alive})
    ]


def tally(rows: Iterable[Stopping]) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {}
    for row in rows:
        group = (row["organization"], row["kind"], row["region"])
        counts[group] = counts.get(group, 0) + 1
    return counts


def executor_counts(rows: Iterable[ExecutorRow], now_us: int) -> Executors:
    counts: Executors = {"alive": 0, "draining": 0, "lost": 0, "running": 0}
    for row in rows:
        how = state(row, now_us)
        counts[how] += 1
        if how != "lost":
            counts["running"] += row["running"]
    return counts


def deadline_counts(rows: Iterable[Deadline], now_us: int) -> Deadlines:
    counts: Deadlines = {"due": 0, "within": {window.name: 0 for window in WINDOWS}}
    for row in rows:
        wait_us = row["deadline_us"] - now_us
        if wait_us <= 0:
            counts["due"] += 1
            continue
        for window in WINDOWS:
            counts["within"][window.name] += wait_us <= window.length_us
    return counts
