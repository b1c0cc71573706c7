"""Data folders with a long past, each made once in a run and removed at its end.

A rebuild that is measured is a process of its own, as it is for users, so that its time and memory
are its own.
"""

import atexit
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from benchmarks.copied_projects import make_read_models
from benchmarks.finished import TASKS_PER_PROJECT, finished_in_projects
from benchmarks.histories import ALIVE_AT_ONCE, EVENTS_PER_TASK, messages
from benchmarks.written_log import write_log
from events.log import Message

STARTED = 2
"""So many events into its history a task runs."""


class Past(NamedTuple):
    """A folder, and what its read models took to build."""

    data: Path
    events: int
    seconds: float
    peak_megabytes: float


@cache
def a_past(*, events: int = 0, live: int = 0) -> Past:
    """So many events of tasks as they live, and so many tasks that are running."""
    data = new_folder()
    past = chain(messages(events // EVENTS_PER_TASK), running(live, first=events))
    write_log(data, (message.value for message in past))
    return rebuilt(data)


@cache
def a_finished_past(*, finished: int, live: int) -> Path:
    """The folder of so many finished tasks, and so many that are running. Nothing is measured."""
    data = new_folder()
    past = chain(finished_in_projects(finished), running(live, first=0))
    write_log(data, (message.value for message in past))
    make_read_models(data, -(-finished // TASKS_PER_PROJECT))
    return data


def new_folder() -> Path:
    build = Path("build")
    build.mkdir(exist_ok=True)
    data = Path(mkdtemp(prefix="past-", dir=build))
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    return data


def running(tasks: int, first: int) -> Iterator[Message]:
    """Tasks that have been started."""
    block = ALIVE_AT_ONCE * EVENTS_PER_TASK
    blocks = -(-tasks // ALIVE_AT_ONCE)
    told = messages(blocks * ALIVE_AT_ONCE, first=first)
    left = tasks * STARTED
    for _ in range(blocks):
        begun = list(islice(told, block))[: min(left, ALIVE_AT_ONCE * STARTED)]
        left -= len(begun)
        yield from begun


def rebuilt(data: Path) -> Past:
    """Rebuild the read models of this folder, and say what it took."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.timed_rebuild", str(data)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Past(data, **json.loads(process.stdout))
