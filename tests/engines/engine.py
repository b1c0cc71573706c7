"""A remote engine as a process: `python -m tests.engines.engine FOLDER`.

It speaks both forms of Trigger.dev's API. What a run does, and what goes wrong with it, its payload
says; runs are kept in a file, so that the engine can be killed and started again.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.engines import shown

KEY = "tr_dev_fortests"
NEVER = threading.Event()
"""What an engine that says nothing waits for; its threads end with the process."""


class Runs:
    """All runs there are, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.runs: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}

    def started(self, key: str, payload: Any) -> dict[str, Any]:
        """One run for each key."""
        with self._lock:
            for run in self.runs.values():
                if run["key"] == key:
                    run["starts"] += 1
                    self._keep()
                    return run
            run = {
                "id": f"run_{len(self.runs) + 1}",
                "key": key,
                "payload": payload,
                "starts": 1,
                "looks": 0,
                "cancels": 0,
                "begun_at": time.time(),
                "cancelled_at": None,
            }
            self.runs[run["id"]] = run
            self._keep()
            return run

    def looked_at(self, run: dict[str, Any]) -> None:
        with self._lock:
            run["looks"] += 1

    def cancelled(self, run: dict[str, Any]) -> None:
        with self._lock:
            run["cancels"] += 1
            if run["cancels"] > behaviour(run).get("cancels_fail", 0):
                run["cancelled_at"] = run["cancelled_at"] or time.time()
            self._keep()

    def word(self, run: dict[str, Any]) -> str:
        payload, now = behaviour(run), time.time()
        ends_at = run["begun_at"] + payload.get("seconds", 600)
        asked_at = run["cancelled_at"]
        stops_at = None if asked_at is None else asked_at + payload.get("cancel_seconds", 0)
        if asked_at is not None and payload.get("completes_when_cancelled"):
            return "COMPLETED"
        if ends_at <= now and (stops_at is None or ends_at < stops_at):
            return "FAILED" if payload.get("fails") else "COMPLETED"
        if stops_at is not None and stops_at <= now:
            return "CANCELED"
        return "EXECUTING"

    def _keep(self) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(self.runs))
        draft.replace(self._file)


def behaviour(run: dict[str, Any]) -> dict[str, Any]:
    """What its payload says; the CRM's tasks have it in their `input`."""
    payload = run["payload"]
    said: dict[str, Any] = payload.get("input", payload)
    return said


class Api(BaseHTTPRequestHandler):
    """Both forms."""

    runs: Runs
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if not self._known():
            return
        parts = self.path.strip("/").split("/")
        match parts:
            case ["api", "v1", "tasks", _, "trigger"]:
                payload = body["payload"]  # Its own SDK sends JSON as text.
                asked = json.loads(payload) if isinstance(payload, str) else payload
                self._start(body["options"]["idempotencyKey"], asked)
            case ["api", "v1", "events"]:
                self._start(body["event"]["id"], body["event"]["payload"], body["event"]["name"])
            case ["api", "v1" | "v2" as version, "runs", id, "cancel"]:
                self._cancel(id, old=version == "v1")
            case ["elsewhere"]:
                self._answer(307, {}, {"location": "http://localhost:1/"})
            case _:
                self._answer(404, {"error": "Resource not found"})

    def do_GET(self) -> None:
        if not self._known():
            return
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["api", "v3", "runs", id]:
                self._show(id, old=False)
            case ["api", "v2", "runs", id]:
                self._show(id, old=True)
            case ["api", "v2", "events", key]:
                found = [
                    shown.in_short(run, self.runs.word(run))
                    for run in self.runs.runs.values()
                    if run["key"] == key
                ]
                self._answer(200, shown.event(key, found, time.time()))
            case ["all"]:
                self._answer(200, self.runs.runs)
            case _:
                self._answer(404, {"error": "Resource not found"})

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _known(self) -> bool:
        if self.headers.get("authorization") == f"Bearer {KEY}":
            return True
        self._answer(401, {"error": "Invalid or Missing API key"})
        return False

    def _start(self, key: str, payload: Any, event: str | None = None) -> None:
        if payload.get("refused"):
            self._answer(payload["refused"], {"error": "refused"})
            return
        run = self.runs.started(key, payload)
        if self._kept_back(run, "starts"):
            return  # It has begun, and nobody is told.
        if event is None:
            self._answer(200, {"id": run["id"], "isCached": run["starts"] > 1})
        else:
            self._answer(200, shown.sent(key, event, payload, run["begun_at"]))

    def _cancel(self, id: str, *, old: bool) -> None:
        run = self.runs.runs.get(id)
        if run is None:
            self._answer(404, {"error": "Run not found"})
            return
        self.runs.cancelled(run)
        if self._kept_back(run, "cancels"):
            return
        if run["cancelled_at"] is None:
            self._answer(500, {"error": "Internal Server Error"})
        else:
            self._answer(200, shown.old(run, self.runs.word(run)) if old else {"id": id})

    def _show(self, id: str, *, old: bool) -> None:
        run = self.runs.runs.get(id)
        if run is None:
            self._answer(404, {"error": "Run not found"})
            return
        self.runs.looked_at(run)
        if self._kept_back(run, "looks"):
            return
        form = shown.old if old else shown.current
        self._answer(200, form(run, self.runs.word(run)))

    def _kept_back(self, run: dict[str, Any], what: str) -> bool:
        """Whether this answer is lost, or never comes; the first so many, as the payload says."""
        lost, silent = (behaviour(run).get(f"{what}_{how}", 0) for how in ("lost", "silent"))
        if run[what] <= silent:
            NEVER.wait()
        if run[what] <= lost:
            self.close_connection = True
        return bool(run[what] <= lost)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def main(folder: Path, port: int) -> None:
    Api.runs = Runs(folder / "runs.json")
    server = ThreadingHTTPServer(("127.0.0.1", port), Api)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
