"""What can be set about an executor, and its bounds."""

import sys
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from services.executor.runtimes.remote.engine import HttpEngine
from services.executor.runtimes.remote.trigger_dev import TriggerDev


class Command(BaseModel):
    """An OS command that tasks may name. Nothing else can be run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    environment: dict[str, str] = {}
    """The whole environment of the process, besides PATH, HOME and LANG."""
    working_directory: Path | None = None
    accepts_arguments: bool = False
    """Whether a task's payload may add `arguments` to the vector."""
    accepts_environment: frozenset[str] = frozenset()
    """The variables that a task's payload may set in `environment`."""
    secrets: frozenset[str] = frozenset()
    """The secrets of a task that the process gets, as variables of these names."""


class ExecutorSettings(BaseModel):
    """One executor process."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modules: tuple[str, ...] = ("countermand.handlers.samples",)
    """Modules whose handlers the hosts import."""
    module_paths: tuple[Path, ...] = ()
    """Folders that the hosts put on their import path."""
    python: Path = Path(sys.executable)
    """The hosts' interpreter: may be another virtual environment's."""
    commands: dict[str, Command] = {}
    engines: dict[str, Annotated[HttpEngine | TriggerDev, Field(discriminator="type")]] = {}
    """Remote engines, by the kind of tasks that they run."""
    engine_secrets: dict[str, tuple[str, ...]] = {}
    """The names of what tasks of such a kind may be told in secret."""
    remote_hosts: tuple[str, ...] = ()
    """Hosts, or `host:port`, that may be called; no others, also not by redirect."""
    labels: dict[str, str] = {}
    concurrent_runs: PositiveInt = 20_000
    concurrent_runs_by_kind: dict[str, PositiveInt] = {}
    concurrent_isolated_runs: PositiveInt = 64
    """Runs that have a process of their own: isolated and sync handlers, and commands."""
    isolated_hosts_ready: Annotated[int, Field(ge=0, le=64)] = 2
    concurrent_claims: PositiveInt = 256
    claim_delay_seconds: PositiveFloat = 0.3
    """For each executor that is to try before this one."""
    lease_seconds: PositiveFloat = 60
    heartbeats_per_lease: PositiveInt = 4
    host_start_seconds: PositiveFloat = 30
    ping_every_seconds: PositiveFloat = 2
    ping_answer_seconds: PositiveFloat = 10
    """A shared host that doesn't answer for so long is killed."""
    shutdown_run_grace_seconds: PositiveFloat = 10
    """At the end of the executor's own grace a run gets its task's, and no more than this."""
    confirm_seconds: PositiveFloat = 5
    """After force: unconfirmed for so long, a cancel shows as overdue, again and again."""
    output_flush_seconds: PositiveFloat = 0.1
    """How long a cancel waits for its run's output."""
    output_limit_bytes: PositiveInt = 10_000_000
    """Of one run; what comes after is counted as missing."""
    output_queue_records: PositiveInt = 10_000
    result_limit_bytes: PositiveInt = 500_000
