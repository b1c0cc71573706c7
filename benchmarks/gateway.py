"""The service over real HTTP on loopback, beside the least that any such service must do.

The limits: a bare FastAPI application on the same server settings that commits durably and
answers; plain SQLite that stores the same rows.
"""

import json
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.figures import Figure, Measurement, at_least, at_most, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.plain_http import Ask, Connection, with_connections

TASKS = "/countermand/v1/tasks"
START_SECONDS = 60.0
CANCELS_PER_ROUND = 20
CONNECTIONS = 64
PAIRS_PER_CONNECTION = 12
GETS_PER_CONNECTION = 50
BATCH_TASKS = 1_000
PROJECT_TASKS = 10_000


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens."""

    port: int
    headers: str
    folder: Path

    def connection(self) -> Connection:
        return Connection(self.port, self.headers)


@contextmanager
def service(folder: Path) -> Iterator[Server]:
    """`countermand up` with the default settings."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "countermand.cli", "up", "--port", "0",
            "--data", str(folder / "data"), "--handlers", "benchmarks.timed_handlers",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port, key = 0, ""
        for line in process.stdout:
            if found := re.search(r"is up: \S+:(\d+)", line):
                port = int(found[1])
            if found := re.search(r"key +(\S+)$", line):
                key = found[1]
            if "history my-task" in line:
                break
        yield Server(port, f"authorization: Bearer {key}\r\n", folder)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def bare(folder: Path, document: bytes = b"{}") -> Iterator[Server]:
    (folder / "document").write_bytes(document)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_server", str(folder), str(port)]
    )
    try:
        until_listening(port)
        yield Server(port, "", folder)
    finally:
        process.terminate()
        process.wait(30)


def until_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            assert time.monotonic() < deadline, "the bare server didn't start"
            time.sleep(0.05)
        else:
            return


@contextmanager
def both(document: bytes = b"{}") -> Iterator[tuple[Server, Server]]:
    with folder_on_disk() as folder, ExitStack() as stack:
        ours = stack.enter_context(service(folder))
        yield ours, stack.enter_context(bare(folder, document))


# --------------------------------------------------------------------------------- one by one


class Cancels:
    """Running handlers, cancelled one after another over one connection."""

    def __init__(self, server: Server) -> None:
        self._connection = server.connection()
        self._file = server.folder / "stopped"
        self._file.touch()
        self._read = 0
        self._numbers = count()

    def running(self) -> str:
        """The id of a task whose handler runs."""
        task_id = f"timed-{next(self._numbers)}"
        payload = {"file": str(self._file.resolve())}
        asked = {"id": task_id, "kind": "timed", "payload": payload}
        status, body = self._connection.ask("POST", TASKS, asked)
        assert status == 201, body
        deadline = time.monotonic() + 10
        while self.status(task_id) != "running":
            assert time.monotonic() < deadline, "it doesn't run"
            time.sleep(0.005)
        time.sleep(0.01)  # The claim is known: let the host have begun.
        return task_id

    def status(self, task_id: str) -> str:
        _, body = self._connection.ask("GET", f"{TASKS}/{task_id}")
        status: str = json.loads(body)["status"]
        return status

    def to_stopped_ms(self) -> float:
        task_id = self.running()
        began = time.monotonic_ns()
        status, body = self._connection.ask("POST", f"{TASKS}/{task_id}/cancel", {})
        assert status == 200, body
        return (self._stopped_at() - began) / 1e6

    def to_readable_ms(self) -> float:
        task_id = self.running()
        began = time.monotonic_ns()
        self._connection.ask("POST", f"{TASKS}/{task_id}/cancel", {})
        while self.status(task_id) != "cancelled":
            pass
        return (time.monotonic_ns() - began) / 1e6

    def _stopped_at(self) -> int:
        while True:
            lines = self._file.read_text().splitlines()
            if len(lines) > self._read:
                self._read = len(lines)
                return int(lines[-1])

    def skip_stopped(self) -> None:
        self._read = len(self._file.read_text().splitlines())


def one_by_one(measure: Callable[[Cancels], float]) -> Measurement:
    with both() as (ours, limit):
        cancels = Cancels(ours)
        connection = limit.connection()

        def measured() -> float:
            cancels.skip_stopped()
            return statistics.median(measure(cancels) for _ in range(CANCELS_PER_ROUND))

        def bare_post() -> float:
            seconds = []
            for _ in range(CANCELS_PER_ROUND * 3):
                time.sleep(0.005)  # As idle as the service is between two cancels.
                began = time.perf_counter()
                connection.ask("POST", "/one", {"value": "x" * 200})
                seconds.append(time.perf_counter() - began)
            return statistics.median(seconds) * 1000

        return in_turns(measured, bare_post, "ms", rounds=7)


def call_to_stopped() -> Measurement:
    return one_by_one(Cancels.to_stopped_ms)


def call_to_readable() -> Measurement:
    return one_by_one(Cancels.to_readable_ms)


# -------------------------------------------------------------------------------- many at once


def pairs() -> Measurement:
    with both() as (ours, limit):
        return pairs_beside(ours, limit, "/grouped")


def pairs_beside(
    ours: Server, limit: Server, path: str, settle: Callable[[str], None] = lambda _: None
) -> Measurement:
    """Submit and cancel, beside two bare POSTs. `settle`: gets the last task of a round, before the
    limit has its turn."""
    total = CONNECTIONS * PAIRS_PER_CONNECTION
    numbers = count()

    def per_second(server: Server, ask_pair: Callable[[Ask, int], object]) -> float:
        async def work(_number: int, ask: Ask) -> None:
            for _ in range(PAIRS_PER_CONNECTION):
                await ask_pair(ask, next(numbers))  # type: ignore[misc]

        began = time.perf_counter()
        with_connections(server.port, CONNECTIONS, server.headers, work)
        return total / (time.perf_counter() - began)

    async def pair(ask: Ask, number: int) -> None:
        task = {"id": f"pair-{number}", "kind": "sleep", "payload": {"seconds": 600}}
        status, body = await ask("POST", TASKS, json.dumps(task).encode())
        assert status == 201, body
        status, body = await ask("POST", f"{TASKS}/pair-{number}/cancel", b"{}")
        assert status == 200, body

    async def bare_pair(ask: Ask, _number: int) -> None:
        body = json.dumps({"value": "x" * 200}).encode()
        for _ in range(2):
            status, answer = await ask("POST", path, body)
            assert status == 200, answer

    def measured() -> float:
        rate = per_second(ours, pair)
        settle(f"pair-{next(numbers) - 1}")
        return rate

    return in_turns(measured, lambda: per_second(limit, bare_pair), "pairs/s", 5)


def gets() -> Measurement:
    total = CONNECTIONS * GETS_PER_CONNECTION

    def per_second(server: Server, path: str) -> float:
        async def work(_number: int, ask: Ask) -> None:
            for _ in range(GETS_PER_CONNECTION):
                status, body = await ask("GET", path, b"")
                assert status == 200, body

        began = time.perf_counter()
        with_connections(server.port, CONNECTIONS, server.headers, work)
        return total / (time.perf_counter() - began)

    with folder_on_disk() as folder, service(folder) as ours:
        connection = ours.connection()
        connection.ask("POST", TASKS, {"id": "seen", "kind": "sleep", "payload": {"seconds": 1}})
        connection.ask("POST", f"{TASKS}/seen/cancel", {})
        _, document = connection.ask("GET", f"{TASKS}/seen")
        with bare(folder, document) as limit:
            return in_turns(
                lambda: per_second(ours, f"{TASKS}/seen"),
                lambda: per_second(limit, "/document"),
                "requests/s",
                5,
            )


def batches() -> Measurement:
    """The request's body, like the limit's rows, is written before the clock starts. The rows are
    those that the service has just stored: offset, append time and event."""
    numbers = count()

    def task() -> dict[str, object]:
        return {
            "id": f"batch-{next(numbers)}",
            "kind": "sleep",
            "not_before": "2099-01-01T00:00:00Z",
            "payload": {"customer": "c-1", "document": "d-1", "pages": [1, 2, 3]},
            "labels": {"team": "billing"},
        }

    with folder_on_disk() as folder, service(folder) as ours:
        # Durable is what is measured, so the answer doesn't wait for verdicts.
        connection = Connection(ours.port, ours.headers + "prefer: respond-async\r\n")
        table = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("PRAGMA synchronous=FULL")
        table.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, appended_at TEXT, event BLOB)")
        stored = sqlite3.connect(f"file:{folder / 'data' / 'history.sqlite'}?mode=ro", uri=True)

        def accepted() -> float:
            raw = json.dumps({"tasks": [task() for _ in range(BATCH_TASKS)]}).encode()
            began = time.perf_counter()
            status, body = connection.send("POST", TASKS, raw)
            assert status in (201, 202), body
            return BATCH_TASKS / (time.perf_counter() - began)

        def inserted() -> float:
            rows = stored.execute(
                "SELECT topic, state FROM stored_events ORDER BY rowid DESC LIMIT ?", (BATCH_TASKS,)
            ).fetchall()
            assert len(rows) == BATCH_TASKS
            began = time.perf_counter()
            table.execute("BEGIN")
            table.executemany("INSERT INTO log (appended_at, event) VALUES (?, ?)", rows)
            table.execute("COMMIT")
            return BATCH_TASKS / (time.perf_counter() - began)

        return in_turns(accepted, inserted, "tasks/s", 9)


def project_cancel() -> Measurement:
    numbers = count()
    with folder_on_disk() as folder, service(folder) as ours:
        connection = ours.connection()
        table = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        table.execute("PRAGMA journal_mode=WAL")
        table.execute("PRAGMA synchronous=FULL")
        table.execute("CREATE TABLE tasks (id TEXT PRIMARY KEY, status TEXT, event TEXT)")

        def cancelled() -> float:
            project = f"project-{next(numbers)}"
            connection.ask("POST", "/countermand/v1/projects", {"id": project})
            for start in range(0, PROJECT_TASKS, BATCH_TASKS):
                tasks = [
                    {"id": f"{project}.t{number}", "project": project, "kind": "sleep"}
                    for number in range(start, start + BATCH_TASKS)
                ]
                status, body = connection.ask("POST", TASKS, {"tasks": tasks})
                assert status in (201, 202), body
            last = f"{TASKS}/{project}.t{PROJECT_TASKS - 1}"
            connection.ask("GET", f"{TASKS}?limit=1")  # Answered once the rows show all of them.
            began = time.perf_counter()
            connection.ask("POST", f"/countermand/v1/projects/{project}/cancel", {})
            while True:
                _, body = connection.ask("GET", last)
                if json.loads(body)["status"] in ("skipped", "cancelled"):
                    return (time.perf_counter() - began) * 1000

        def updated() -> float:
            ids = [(f"{next(numbers)}",) for _ in range(PROJECT_TASKS)]
            table.executemany("INSERT INTO tasks VALUES (?, 'pending', '')", ids)
            began = time.perf_counter()
            table.execute("BEGIN")
            table.executemany("UPDATE tasks SET status = 'skipped' WHERE id = ?", ids)
            table.execute("COMMIT")
            return (time.perf_counter() - began) * 1000

        return in_turns(cancelled, updated, "ms", 3)


FIGURES = [
    Figure(
        "gateway: cancel of a running handler, call to stopped, median",
        "a bare FastAPI POST with one durable commit",
        at_most(2.3),
        call_to_stopped,
    ),
    Figure(
        "gateway: cancel of a running handler, call to readable, median",
        "a bare FastAPI POST with one durable commit",
        at_most(3.3),
        call_to_readable,
    ),
    Figure(
        "gateway: submit + cancel pairs, 64 connections",
        "as many pairs of bare POSTs, group-committed",
        at_least(0.5),
        pairs,
    ),
    Figure("gateway: GET status", "a bare GET of the same bytes", at_least(0.5), gets),
    Figure(
        "gateway: 1,000 tasks a request",
        "executemany of the same rows, one commit a request",
        at_least(0.15),
        batches,
    ),
    Figure(
        "gateway: cancel of a project with 10,000 pending tasks",
        "executemany of as many updates, one commit",
        at_most(5),
        project_cancel,
    ),
]
