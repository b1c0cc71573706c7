"""Running handlers that are cancelled one after another, whatever log is behind the server."""

import json
import time
from itertools import count

from benchmarks.servers import Server

TASKS = "/countermand/v1/tasks"
CANCELS_PER_ROUND = 20


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
