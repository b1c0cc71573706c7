"""kill -9 right after a cancel was accepted, at random moments: it is honoured after the restart,
no accepted task is lost, and a request repeated across the crash gives its first answer."""

import json
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.projecting.beside import END_SECONDS
from services.projecting.lives import LOCK
from services.read_models.generations import FOLDER
from tests.e2e.asking import LATER
from tests.e2e.running import Running, until_running
from tests.proof_size import count

ENDED_SECONDS = 60.0
AT_ONCE_SECONDS = 10.0
"""Far less than is left of a lease of 60 s, of which a heartbeat renews each quarter."""


SOON = {"COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1"}
"""Nothing here is about ending well."""


def test_a_service_that_starts_after_a_crash_knows_at_once_what_became_of_its_runs(
    folder: Path,
) -> None:
    running = Running(folder, environment=SOON)
    running.start()
    with running.http() as http:
        body = {"kind": "sleep", "payload": {"seconds": 600}}
        task_id = http.post("/tasks", json=body).json()["id"]
        until_running(http, task_id)
    running.kill()
    running.start()
    try:
        with running.http() as http:
            assert release_of(http, task_id)["evidence"] == "killed"
    finally:
        running.stop()


def test_a_service_ends_in_time_although_its_projector_stands_still(folder: Path) -> None:
    """Rows that were accepted and not written are there after the next start."""
    running = Running(folder, environment=SOON)
    running.start()
    projector = int((running.data / FOLDER / LOCK).read_text())
    os.kill(projector, signal.SIGSTOP)
    with running.http() as http:
        body = {"kind": "sleep", "not_before": LATER}
        task_id = http.post("/tasks", json=body).json()["id"]
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < END_SECONDS
    running.start()
    try:
        with running.http() as http:
            lines = http.get(f"/tasks/{task_id}/history").json()["items"]
        assert [line["event"]["type"] for line in lines] == ["countermand.task.submitted.v1"]
    finally:
        running.stop()


def release_of(http: httpx.Client, task_id: str) -> dict[str, Any]:
    """What is said of a run that was released; it must be said at once."""
    until = time.monotonic() + AT_ONCE_SECONDS
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=AT_ONCE_SECONDS) as frames:
        for line in frames.iter_lines():
            assert time.monotonic() < until, f"nothing about the run, but: {line}"
            if line.startswith("data: ") and '"countermand.run.released.v1"' in line:
                data: dict[str, Any] = json.loads(line.removeprefix("data: "))["event"]["data"]
                return data
    raise AssertionError(f"the stream of {task_id} ended without a word about its run")


def test_a_request_repeated_across_a_crash_is_the_same_request(folder: Path) -> None:
    running = Running(folder, environment=SOON)
    running.start()
    key, run = {"idempotency-key": uuid4().hex}, {"idempotency-key": uuid4().hex}
    body = {"kind": "sleep", "payload": {"seconds": 600}}
    with running.http() as http:
        first = http.post("/tasks", json=body, headers=key)
        task_id = first.json()["id"]
        receipt = http.post(f"/tasks/{task_id}/cancel", headers=run).json()
    running.kill()
    forget_answers(running)
    running.start()
    try:
        with running.http() as http:
            again = http.post("/tasks", json=body, headers=key)
            assert again.status_code == 201, again.text
            assert again.json()["id"] == task_id
            repeated = http.post(f"/tasks/{task_id}/cancel", headers=run).json()
            assert repeated["event_id"] == receipt["event_id"]
            assert repeated["position"] == receipt["position"]
            assert repeated["verdict"] == "effective"
            other = http.post("/tasks", json={"kind": "fail"}, headers=key)
            assert other.status_code == 409
    finally:
        running.stop()


def forget_answers(running: Running) -> None:
    """As if it had died between the append and the answer."""
    import sqlite3

    with sqlite3.connect(running.data / "control.sqlite") as control:
        control.execute("UPDATE idempotency_keys SET status = NULL, body = NULL, headers = NULL")
    control.close()


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_every_accepted_cancel_is_honoured_after_kill_9(folder: Path) -> None:
    times = count(small=1, full=100)
    chance = random.Random(5)
    running = Running(folder)
    running.start()
    accepted: set[str] = set()
    submitted: set[str] = set()
    try:
        for round_number in range(times):
            killed = threading.Event()
            busy = [
                threading.Thread(
                    target=submit_and_cancel,
                    args=(running, f"r{round_number}-c{caller}", submitted, accepted, killed),
                )
                for caller in range(4)
            ]
            for thread in busy:
                thread.start()
            already = len(accepted)
            deadline = time.monotonic() + ENDED_SECONDS
            while len(accepted) <= already:
                assert time.monotonic() < deadline, "nothing was accepted"
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.3))
            running.kill()
            killed.set()
            for thread in busy:
                thread.join()
            running.start()
            with running.http() as http:
                for task_id in sorted(submitted):
                    assert http.get(f"/tasks/{task_id}").status_code == 200, task_id
                for task_id in sorted(accepted):
                    receipt = http.get(f"/tasks/{task_id}/receipt", params={"wait": 60})
                    assert receipt.status_code == 200, receipt.text
                    assert receipt.json()["status"] == "cancelled"
                    assert receipt.json()["evidence"], task_id
            submitted.clear()
            accepted.clear()
    finally:
        running.stop()


def submit_and_cancel(
    running: Running,
    caller: str,
    submitted: set[str],
    accepted: set[str],
    killed: threading.Event,
) -> None:
    """Pairs, until the service is gone. What was answered is remembered."""
    number = 0
    with running.http() as http:
        while not killed.is_set():
            number += 1
            task_id = f"{caller}-{number}"
            body = {"id": task_id, "kind": "sleep", "payload": {"seconds": 600}}
            try:
                if http.post("/tasks", json=body).status_code == 201:
                    submitted.add(task_id)
                headers = {"prefer": "respond-async"}
                answer = http.post(f"/tasks/{task_id}/cancel", headers=headers)
                if answer.status_code in (200, 202):
                    accepted.add(task_id)
            except httpx.TransportError:
                return
