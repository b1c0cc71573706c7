"""Tasks and projects, asked for over plain HTTP."""

from typing import Any

import httpx

from tests.e2e.running import until_running

LATER = "2099-01-01T00:00:00Z"
SLEEP: dict[str, Any] = {"kind": "sleep", "payload": {"seconds": 600}}
"""What runs until it is stopped."""
WAIT = {"prefer": "wait=30"}
"""A header: the answer to a cancel may take as long as the stop, within bounds."""


def submitted(http: httpx.Client, kind: str = "sleep", **more: Any) -> str:
    body = {**SLEEP, "kind": kind, **more}
    answer = http.post("/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def running(http: httpx.Client, kind: str = "sleep", **more: Any) -> str:
    task_id = submitted(http, kind, **more)
    until_running(http, task_id)
    return task_id


def waiting(http: httpx.Client, **more: Any) -> str:
    """A task that nobody claims for now."""
    return submitted(http, not_before=LATER, **more)


def project(http: httpx.Client, **more: Any) -> dict[str, Any]:
    body = {
        "tasks": [
            {"id": "first", "kind": "sleep", "not_before": LATER},
            {"id": "second", "kind": "sleep", "not_before": LATER, "depends_on": ["first"]},
        ],
        **more,
    }
    answer = http.post("/projects", json=body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document
