"""Settings for trying the dialects, and waiting for what their tasks come to."""

from typing import Any

import httpx

from tests.e2e.running import until_running

SLEEP = {"kind": "sleep", "payload": {"seconds": 600}}
DONE = {"kind": "sleep", "payload": {"seconds": 0}}
FAILING = {"kind": "fail", "payload": {"message": "it was meant to fail"}}
STUBBORN = {"kind": "stubborn", "payload": {"seconds": 600}, "grace_seconds": 60}
ASKING = {"kind": "rehearse", "payload": {"seconds": 0, "ask": "may I?"}}
COUNTING = {"kind": "count", "payload": {"every_ms": 20}}
AGENTS = {
    "*": SLEEP,
    "sleeper": SLEEP,
    "done": DONE,
    "failing": FAILING,
    "stubborn": STUBBORN,
    "asking": ASKING,
    "counting": COUNTING,
    "elsewhere": {**SLEEP, "region": "elsewhere"},
}
SIGNING_SECRET = "a secret of at least thirty-two characters"
WIDGET_SECRET = "another secret of thirty-two characters"
SETTINGS: dict[str, Any] = {
    "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": 0,
    "COUNTERMAND_DIALECTS__CANCEL_WAIT_SECONDS": 1,
    "COUNTERMAND_DIALECTS__CRM": {
        "agents": {"analytics": SLEEP, "order": DONE, "quote": FAILING, "customer": STUBBORN},
        "session_secret": SIGNING_SECRET,
    },
    "COUNTERMAND_DIALECTS__SIGMIC": {
        "target": COUNTING,
        "target_with_approvals": ASKING,
        "projects": {"done": DONE, "failing": FAILING, "stubborn": STUBBORN},
        "token_secret": SIGNING_SECRET,
        "widgets": {
            "app": {
                "secret": WIDGET_SECRET,
                "organization": "default",
                "origins": ["https://shop.example"],
            }
        },
    },
    "COUNTERMAND_DIALECTS__XPANDER__AGENTS": AGENTS,
}


def until(native: httpx.Client, task_id: str, status: str = "running") -> None:
    """Wait, by the native API's stream, until a task has this status."""
    until_running(native, task_id, status)


def forced(native: httpx.Client, task_id: str) -> None:
    """End a run that ignores polite requests."""
    answer = native.post(
        f"/tasks/{task_id}/cancel", json={"mode": "force"}, headers={"prefer": "wait=20"}
    )
    assert answer.status_code == 200, answer.text
