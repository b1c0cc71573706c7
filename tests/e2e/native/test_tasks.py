"""Tasks are submitted, retried, approved and cancelled, or it is said why not."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import LATER, submitted, waiting
from tests.e2e.problems import refused
from tests.e2e.running import until_running


def test_a_task_has_the_id_that_its_caller_chose_and_nobody_else_gets_it(
    http: httpx.Client,
) -> None:
    task_id = f"chosen-{uuid4().hex}"
    assert waiting(http, id=task_id) == task_id
    again = http.post("/tasks", json={"id": task_id, "kind": "sleep"})
    assert refused(again, 409, "conflict")["reason"] == "id_taken"


def test_a_thousand_tasks_at_once_are_taken_each_with_its_verdict(http: httpx.Client) -> None:
    tasks: list[dict[str, Any]] = [
        {"kind": "sleep", "not_before": LATER, "labels": {"n": str(n)}} for n in range(1000)
    ]
    tasks[7]["id"] = tasks[8]["id"] = f"twice-{uuid4().hex}"
    answer = http.post("/tasks", json={"tasks": tasks})
    assert answer.status_code == 201
    verdicts = [each["verdict"] for each in answer.json()["items"]]
    assert verdicts.count("effective") == 999
    assert answer.json()["items"][8]["reason"] == "id_taken"


def test_more_than_a_thousand_are_refused(http: httpx.Client) -> None:
    answer = http.post("/tasks", json={"tasks": [{"kind": "x"}] * 1001})
    refused(answer, 413, "too-large")


def test_a_body_beyond_the_limit_is_refused_unread(http: httpx.Client) -> None:
    refused(http.post("/tasks", content=b"x" * 10_000_001), 413, "too-large")

    def pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 1_000_000

    refused(http.post("/tasks", content=pieces()), 413, "too-large")


def test_an_event_beyond_the_log_s_limit_is_refused(http: httpx.Client) -> None:
    refused(
        http.post("/tasks", json={"kind": "x", "payload": {"x": "y" * 1_500_000}}), 413, "too-large"
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"kind": ""}, id="empty_kind"),
        pytest.param({"kind": "x", "id": "a b"}, id="id_with_a_space"),
        pytest.param({"kind": "x", "id": "a.b"}, id="below_nothing"),
        pytest.param({"kind": "x", "surprise": 1}, id="unknown_field"),
        pytest.param({"kind": "x", "grace_seconds": -1}, id="negative_grace"),
        pytest.param({"kind": "x", "deadline": "2026-01-01T00:00:00"}, id="no_time_zone"),
        pytest.param({"kind": "x", "project": "p", "parent": "q"}, id="two_above"),
        pytest.param([], id="a_list"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(http: httpx.Client, body: Any) -> None:
    assert refused(http.post("/tasks", json=body), 422, "invalid")["errors"]


def test_what_is_sent_is_never_told_back_in_a_problem(http: httpx.Client) -> None:
    answer = http.post(
        "/tasks", json={"kind": "x", "payload": "s3cret", "labels": {"a": ["s3cret"]}}
    )
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


def test_a_failed_task_is_retried_and_only_a_failed_one(http: httpx.Client) -> None:
    task_id = submitted(http, "fail", payload={"message": "as told"})
    until_running(http, task_id, "failed")
    assert http.get(f"/tasks/{task_id}").json()["error"]
    retried = http.post(f"/tasks/{task_id}/retry", json={"reason": "once more"})
    assert retried.status_code == 200, retried.text
    assert retried.json()["attempt"] == 2
    pending = waiting(http)
    assert refused(http.post(f"/tasks/{pending}/retry"), 409, "conflict")["reason"] == "not_failed"


def test_nothing_is_approved_that_does_not_wait(http: httpx.Client) -> None:
    task_id = waiting(http)
    assert (
        refused(http.post(f"/tasks/{task_id}/approve"), 409, "conflict")["reason"] == "not_waiting"
    )


def test_a_task_that_never_ran_is_cancelled_at_once(http: httpx.Client) -> None:
    task_id = waiting(http)
    receipt = http.post(f"/tasks/{task_id}/cancel").json()
    assert (receipt["verdict"], receipt["evidence"]) == ("effective", "never_started")
    assert receipt["stopped_at"] == receipt["requested_at"]


def test_a_second_cancel_is_void_and_says_by_how_much_it_was_late(http: httpx.Client) -> None:
    task_id = waiting(http)
    http.post(f"/tasks/{task_id}/cancel")
    late = refused(http.post(f"/tasks/{task_id}/cancel"), 409, "conflict")
    assert late["reason"] == "already_finished"
    assert late["receipt"]["verdict"] == "void"
    assert late["receipt"]["late_seconds"] > 0
    events = http.get(f"/tasks/{task_id}/history").json()["items"]
    assert late["receipt"]["event_id"] in {line["event"]["id"] for line in events}


def test_a_stubborn_run_is_answered_202_and_its_receipt_tells_the_rest(http: httpx.Client) -> None:
    task_id = submitted(http, "stubborn", payload={"seconds": 600}, grace_seconds=1)
    until_running(http, task_id)
    began = time.monotonic()
    asked = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "respond-async"})
    assert asked.status_code == 202, asked.text
    assert time.monotonic() - began < 1
    assert asked.json()["verdict"] == "effective"
    assert asked.json()["stopped_at"] is None
    joined = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=0"})
    assert joined.status_code == 202
    assert joined.json()["reason"] == "already_cancelling"
    receipt = http.get(f"/tasks/{task_id}/receipt", params={"wait": 30})
    assert receipt.status_code == 200
    assert receipt.json()["evidence"] == "killed"
    named = http.get(asked.headers["location"].removeprefix("/countermand/v1")).json()
    assert named["event_id"] == asked.json()["event_id"]
    assert named["evidence"] == "killed"


def test_a_cancel_may_come_before_its_task(http: httpx.Client) -> None:
    task_id = f"later-{uuid4().hex}"
    held = http.post(f"/tasks/{task_id}/cancel", json={"if_unknown": "hold", "hold_seconds": 60})
    assert held.status_code == 202, held.text
    assert held.json()["held_until"]
    assert http.get(f"/tasks/{task_id}/receipt").json()["held_until"]
    answer = http.post("/tasks", json={"id": task_id, "kind": "sleep", "payload": {"seconds": 1}})
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["evidence"] == "never_started"


def test_a_bad_wait_is_refused(http: httpx.Client) -> None:
    task_id = waiting(http)
    answer = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=soon"})
    refused(answer, 422, "invalid")
    refused(http.get(f"/tasks/{task_id}/receipt"), 409, "conflict")
