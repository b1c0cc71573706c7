"""A cancel of a project with ten thousand pending tasks: until each that is asked for is shown as
stopped, and until lists show it; beside plain SQLite that updates as many rows in one commit.

That it holds for all ten thousand, and not only for those that are looked at, is seen after the
clock: no list shows any as pending, running, waiting or cancelling any more.
"""

import json
import sqlite3
import statistics
import time
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figure, Measurement, at_most
from benchmarks.folder import folder_on_disk
from benchmarks.gateway import BATCH_TASKS
from benchmarks.plain_http import Connection
from benchmarks.servers import service
from benchmarks.single_cancels import TASKS

PROJECTS = "/countermand/v1/projects"
PROJECT_TASKS = 10_000
UNSTOPPED = "status=pending&status=running&status=waiting&status=cancelling"
STOPPED = ("skipped", "cancelled")
APART, LAST = 1_000, PROJECT_TASKS - 1
"""Which of the tasks are asked for one by one."""
LISTED_WITHIN_SECONDS = 30
ROUNDS = 3


class Projects:
    """Of a service, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = count()

    def pending(self) -> str:
        """The id of a new one, whose tasks can all be read."""
        project = f"project-{next(self._numbers)}"
        status, body = self._connection.ask("POST", PROJECTS, {"id": project})
        assert status == 201, body
        for start in range(0, PROJECT_TASKS, BATCH_TASKS):
            tasks = [
                {"id": f"{project}.t{number}", "project": project, "kind": "sleep"}
                for number in range(start, start + BATCH_TASKS)
            ]
            status, body = self._connection.ask("POST", TASKS, {"tasks": tasks})
            assert status in (201, 202), body
        assert self.are_any(project, "status=pending")
        return project

    def cancelled_ms(self) -> tuple[float, float]:
        """From the call to when whichever of its tasks is asked for is shown as stopped, and to
        when no list shows any of them as anything else."""
        project = self.pending()
        asked = [f"{project}.t{number}" for number in (*range(0, PROJECT_TASKS, APART), LAST)]
        began = self._cancelled(project)
        for task_id in reversed(asked):
            while self._status(task_id) not in STOPPED:
                pass
        read = time.perf_counter()
        self._until_listed(project)
        return (read - began) * 1000, (time.perf_counter() - began) * 1000

    def _until_listed(self, project: str) -> None:
        """Lists lag behind what is asked for one by one; in the end they show none that goes on."""
        deadline = time.monotonic() + LISTED_WITHIN_SECONDS
        while self.are_any(project, UNSTOPPED):
            assert time.monotonic() < deadline, "some are still listed as not stopped"

    def _cancelled(self, project: str) -> float:
        """When it was asked for."""
        began = time.perf_counter()
        status, body = self._connection.ask("POST", f"{PROJECTS}/{project}/cancel", {})
        assert status == 200, body
        return began

    def _status(self, task_id: str) -> str:
        _, body = self._connection.ask("GET", f"{TASKS}/{task_id}")
        status: str = json.loads(body)["status"]
        return status

    def are_any(self, project: str, statuses: str) -> bool:
        """Whether a list of the project's tasks in these shows any."""
        path = f"{TASKS}?project={project}&{statuses}&limit=1"
        status, body = self._connection.ask("GET", path)
        assert status == 200, body
        return bool(json.loads(body)["items"])


class Rows:
    """As many as a project has tasks, in plain SQLite."""

    def __init__(self, folder: Path) -> None:
        self._table = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        self._table.execute("PRAGMA journal_mode=WAL")
        self._table.execute("PRAGMA synchronous=FULL")
        self._table.execute("CREATE TABLE tasks (id TEXT PRIMARY KEY, status TEXT, event TEXT)")
        self._numbers = count()

    def updated_ms(self) -> float:
        ids = [(f"{next(self._numbers)}",) for _ in range(PROJECT_TASKS)]
        self._table.executemany("INSERT INTO tasks VALUES (?, 'pending', '')", ids)
        began = time.perf_counter()
        self._table.execute("BEGIN")
        self._table.executemany("UPDATE tasks SET status = 'skipped' WHERE id = ?", ids)
        self._table.execute("COMMIT")
        return (time.perf_counter() - began) * 1000


class Round(NamedTuple):
    """What one project's cancel took, and what is beside it."""

    read_ms: float
    listed_ms: float
    updated_ms: float


@cache
def rounds() -> list[Round]:
    """Both figures are of the same cancels, after one that warms up."""
    with folder_on_disk() as folder, service(folder) as ours:
        projects, rows = Projects(ours.connection()), Rows(folder)
        made = [Round(*projects.cancelled_ms(), rows.updated_ms()) for _ in range(1 + ROUNDS)]
        return made[1:]


def until(took_ms: Callable[[Round], float]) -> Measurement:
    return Measurement(
        statistics.median(took_ms(each) for each in rounds()),
        statistics.median(each.updated_ms for each in rounds()),
        "ms",
        statistics.median(took_ms(each) / each.updated_ms for each in rounds()),
    )


FIGURES = [
    Figure(
        "gateway: cancel of a project with 10,000 pending tasks",
        "executemany of as many updates, one commit",
        at_most(5),
        lambda: until(lambda each: each.read_ms),
    ),
    Figure(
        "gateway: the same, until lists show all of them as stopped",
        "executemany of as many updates, one commit",
        at_most(45),
        lambda: until(lambda each: each.listed_ms),
    ),
]
