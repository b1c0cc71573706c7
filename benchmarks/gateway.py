"""The service over real HTTP on loopback, beside the least that any such service must do.

The limits: a bare FastAPI application on the same server settings that commits durably and
answers; plain SQLite that stores the same rows.
"""

import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from benchmarks.figures import Figure, Measurement, at_least, at_most, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.pairs import CONNECTIONS, pairs_beside
from benchmarks.plain_http import Ask, Connection, with_connections
from benchmarks.servers import Server, bare, service
from benchmarks.single_cancels import CANCELS_PER_ROUND, TASKS, Cancels

GETS_PER_CONNECTION = 50
BATCH_TASKS = 1_000


@contextmanager
def both(document: bytes = b"{}") -> Iterator[tuple[Server, Server]]:
    with folder_on_disk() as folder, ExitStack() as stack:
        ours = stack.enter_context(service(folder))
        yield ours, stack.enter_context(bare(folder, document))


# --------------------------------------------------------------------------------- one by one


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
]
