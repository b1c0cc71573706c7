"""Data folders with a long past: the log written in bulk, the read models by a rebuild.

Each is made once in a run and removed at its end. The rebuild is a process of its own, as it is for
users, so that its time and memory are its own.
"""

import atexit
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from benchmarks.finished import finished_in_projects
from benchmarks.histories import ALIVE_AT_ONCE, EVENTS_PER_TASK, messages
from events.log import Message
from services.embedded_log.sqlite_file import SQLiteFile

RECORDS_AT_ONCE = 1_000
FIRST_APPENDED_US = 1_767_225_600_000_000
STARTED = 2
"""So many events into its history a task runs."""


class Past(NamedTuple):
    """A folder, and what its read models took to build."""

    data: Path
    events: int
    seconds: float
    peak_megabytes: float


@cache
def a_past(*, events: int = 0, finished: int = 0, live: int = 0) -> Past:
    """So many events of tasks as they live, so many finished tasks, so many that are running."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    data = Path(mkdtemp(prefix="past-", dir=build))
    atexit.register(shutil.rmtree, data, ignore_errors=True)
    past = chain(
        finished_in_projects(finished),
        messages(events // EVENTS_PER_TASK),
        running(live, first=events),
    )
    write_log(data, (message.value for message in past))
    return rebuilt(data)


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


def write_log(data: Path, values: Iterable[bytes]) -> None:
    stream = SQLiteFile(data / "history.sqlite", "history", "rwc")
    remaining, offset = iter(values), 0
    while batch := list(islice(remaining, RECORDS_AT_ONCE)):
        stream.insert(offset, batch, FIRST_APPENDED_US + 1_000 * offset)
        offset += len(batch)
    stream.close()


def rebuilt(data: Path) -> Past:
    """Rebuild the read models of this folder, and say what it took."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.timed_rebuild", str(data)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Past(data, **json.loads(process.stdout))
