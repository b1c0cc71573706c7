"""One row for each executor, as its heartbeats leave it: alive, draining, lost."""

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict

KEPT_US = 3600 * 1_000_000
"""A lost executor is shown for an hour."""

State = Literal["alive", "draining", "lost"]


class ExecutorRow(TypedDict):
    """What it said last, and until when that counts, by the log's clock."""

    executor: str
    region: str
    running: int
    draining: bool
    until_us: int
    budgets_seconds: dict[str, float]
    """Of its handlers that have one."""


def executor_row(
    *,
    executor: str,
    region: str,
    running: int,
    draining: bool,
    ended: bool,
    lease_seconds: float,
    budgets_seconds: Mapping[str, float],
    heard_us: int,
) -> ExecutorRow | None:
    """The row after a heartbeat; None after its last one."""
    if ended:
        return None
    return {
        "executor": executor,
        "region": region,
        "running": running,
        "draining": draining,
        "until_us": heard_us + int(lease_seconds * 1_000_000),
        "budgets_seconds": dict(budgets_seconds),
    }


def state(row: ExecutorRow, now_us: int) -> State:
    if row["until_us"] < now_us:
        return "lost"
    return "draining" if row["draining"] else "alive"


def forgotten(row: ExecutorRow, now_us: int) -> bool:
    return row["until_us"] < now_us - KEPT_US


def budgets(rows: Iterable[ExecutorRow]) -> dict[str, float]:
    """By handler; the tightest, while releases of different budgets run side by side."""
    tightest: dict[str, float] = {}
    for row in rows:
        for kind, seconds in row["budgets_seconds"].items():
            tightest[kind] = min(seconds, tightest.get(kind, seconds))
    return tightest
