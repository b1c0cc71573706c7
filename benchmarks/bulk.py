"""A cancel of ten thousand pending tasks by one order, and what single cancels feel of it."""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from benchmarks.figures import Figure, Measurement, at_most, compared
from benchmarks.folder import folder_on_disk
from benchmarks.gateway import BATCH_TASKS
from benchmarks.plain_http import Connection
from benchmarks.servers import Server, service
from benchmarks.single_cancels import TASKS

BULK = "/countermand/v1/bulk-cancels"
BULK_TASKS = 10_000
LIMIT_SECONDS = 3.0
SINGLES = 200
ROUNDS = 3
PAUSE_SECONDS = 0.005
LATER = "2099-01-01T00:00:00Z"


class Bulk:
    """A service with tasks that wait for their time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._connection = server.connection()
        self._marks = count()
        self._singles: Iterator[str] = iter(())

    def tasks(self, tasks: int, mark: str) -> list[str]:
        ids = [f"{mark}-{number}" for number in range(tasks)]
        for start in range(0, tasks, BATCH_TASKS):
            batch = [
                {"id": id, "kind": "sleep", "not_before": LATER, "labels": {"mark": mark}}
                for id in ids[start : start + BATCH_TASKS]
            ]
            status, body = self._connection.ask("POST", TASKS, {"tasks": batch})
            assert status == 201, body
        return ids

    def previewed(self) -> str:
        """The token of a preview of ten thousand new tasks."""
        mark = f"bulk-{next(self._marks)}"
        self.tasks(BULK_TASKS, mark)
        where = {"where": {"labels": {"mark": mark}}}
        status, body = self._connection.ask("POST", f"{BULK}/preview", where)
        assert status == 201, body
        preview = json.loads(body)
        assert preview["tasks"] == BULK_TASKS
        return str(preview["token"])

    def cancel(self, token: str, connection: Connection) -> float:
        """Seconds from the order to the last durable request."""
        began = time.perf_counter()
        status, body = connection.ask("POST", BULK, {"token": token})
        assert status == 202, body
        while True:
            _, body = connection.ask("GET", f"{BULK}/{token}?wait=30", None)
            job = json.loads(body)
            if job["ended_at"] is not None:
                assert job["effective"] == BULK_TASKS, job
                return time.perf_counter() - began

    def single_ms(self) -> float:
        task_id = next(self._singles)
        time.sleep(PAUSE_SECONDS)
        began = time.perf_counter()
        status, body = self._connection.ask("POST", f"{TASKS}/{task_id}/cancel", {})
        assert status == 200, body
        return (time.perf_counter() - began) * 1000

    def singles_idle_and_meanwhile(self) -> tuple[float, float]:
        token = self.previewed()
        self._singles = iter(self.tasks(BATCH_TASKS, f"single-{next(self._marks)}"))
        idle = [self.single_ms() for _ in range(SINGLES)]
        cancelling = threading.Thread(target=self.cancel, args=(token, self.server.connection()))
        cancelling.start()
        meanwhile: list[float] = []
        while cancelling.is_alive() and len(meanwhile) < BATCH_TASKS - SINGLES - 1:
            meanwhile.append(self.single_ms())
        cancelling.join()
        return statistics.median(idle), statistics.median(meanwhile)


@contextmanager
def bulk() -> Iterator[Bulk]:
    with folder_on_disk() as folder, service(folder) as server:
        yield Bulk(server)


def ten_thousand() -> Measurement:
    with bulk() as ours:
        seconds = [ours.cancel(ours.previewed(), ours.server.connection()) for _ in range(ROUNDS)]
        return compared(statistics.median(seconds), LIMIT_SECONDS, "s")


def singles() -> Measurement:
    with bulk() as ours:
        rounds = [ours.singles_idle_and_meanwhile() for _ in range(ROUNDS)]
        idle = statistics.median(idle for idle, _ in rounds)
        meanwhile = statistics.median(busy for _, busy in rounds)
        ratio = statistics.median(busy / idle for idle, busy in rounds)
        return Measurement(meanwhile, idle, "ms", ratio)


FIGURES = [
    Figure(
        "bulk: 10,000 pending tasks, order to last durable cancel",
        "three seconds",
        at_most(1),
        ten_thousand,
    ),
    Figure(
        "bulk: a single cancel meanwhile, median",
        "a single cancel of the same service before",
        at_most(2),
        singles,
    ),
]
