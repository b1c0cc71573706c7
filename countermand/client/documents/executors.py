"""Executors, and what they run."""

from typing import Literal, NotRequired, TypedDict


class ExecutorRun(TypedDict):
    """What an executor runs of yours."""

    task_id: str
    kind: str
    status: str
    run_id: str | None
    started_at: str | None


class Executor(TypedDict):
    """An executor, as it was heard of last."""

    id: str
    state: Literal["alive", "draining", "lost"]
    region: str
    labels: dict[str, str]
    kinds: list[str]
    running: int
    concurrent_runs: int
    heard_at: str
    lease_until: str
    runs: NotRequired[list[ExecutorRun]]
