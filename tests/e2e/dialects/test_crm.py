"""The CRM's agent tasks over real HTTP: the checklist of its documentation, item by item."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from tests.e2e.dialects.trying import SIGNING_SECRET, forced, until
from tests.e2e.running import Running

PATH = "/api/ai/agent"
FIELDS = [
    "id", "organizationId", "userId", "taskType", "agent", "input", "context", "status",
    "progress", "currentStep", "result", "error", "tokensUsed", "costCents", "queuedAt",
    "startedAt", "completedAt", "cancelledAt", "cancelledBy", "triggerRunId",
]  # fmt: skip


@pytest.fixture
def crm(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


def body(agent: str = "analytics", **more: Any) -> dict[str, Any]:
    return {"taskType": "report_generation", "agent": agent, "input": {"month": 7}, **more}


def queued(crm: httpx.Client, agent: str = "analytics") -> str:
    answer = crm.post(PATH, json=body(agent))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["taskId"])


def session(**claims: Any) -> str:
    """A cookie as the operator's application signs it."""
    standard = {
        "aud": "crm",
        "sub": "b2c9",
        "organization": "default",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
    }
    return jwt.encode({**standard, **claims}, SIGNING_SECRET, "HS256")


def test_a_created_task_is_queued_under_a_uuid(crm: httpx.Client) -> None:
    answer = crm.post(PATH, json=body(context={"currentPage": "/orders"}))
    assert answer.status_code == 202
    task_id = answer.json()["taskId"]
    assert UUID(task_id)
    assert answer.json() == {
        "taskId": task_id,
        "status": "queued",
        "statusUrl": f"/api/ai/agent/{task_id}/status",
        "message": "Task queued successfully",
    }


def test_c1_a_queued_task_is_cancelled_before_it_runs(
    crm: httpx.Client, native: httpx.Client
) -> None:
    later = {"kind": "sleep", "not_before": "2099-01-01T00:00:00Z"}
    task_id = native.post("/tasks", json=later).json()["id"]
    assert crm.get(f"{PATH}/{task_id}/status").json()["task"]["status"] == "queued"
    answer = crm.delete(f"{PATH}/{task_id}")
    assert answer.status_code == 200
    assert answer.json()["task"]["status"] == "cancelled"
    assert answer.json()["task"]["startedAt"] is None


def test_c2_and_c8_a_running_task_is_cancelled_and_its_row_says_by_whom(
    crm: httpx.Client, native: httpx.Client
) -> None:
    task_id = queued(crm)
    until(native, task_id)
    answer = crm.delete(f"{PATH}/{task_id}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"success", "task"}
    assert answer.json()["success"] is True
    row = answer.json()["task"]
    assert list(row) == FIELDS
    assert row["status"] == "cancelled"
    assert row["completedAt"] is None
    assert len(row["cancelledAt"]) == len("2026-01-25T10:00:09.000Z")
    assert row["cancelledBy"] == row["userId"]
    assert (row["taskType"], row["agent"]) == ("report_generation", "analytics")
    assert (row["tokensUsed"], row["costCents"]) == (0, 0)
    assert row["result"] is None
    assert row["error"] is None


def test_c3_a_cancel_that_is_not_confirmed_is_an_error_and_a_retry_joins_it(
    crm: httpx.Client, native: httpx.Client
) -> None:
    task_id = queued(crm, "customer")
    until(native, task_id)
    for _ in range(2):
        answer = crm.delete(f"{PATH}/{task_id}")
        assert answer.status_code == 500
        assert answer.json()["code"] == "INTERNAL_ERROR"
        assert crm.get(f"{PATH}/{task_id}/status").json()["task"]["status"] == "running"
    forced(native, task_id)
    assert crm.get(f"{PATH}/{task_id}/status").json()["task"]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("agent", "end", "word"),
    [("order", "succeeded", "completed"), ("quote", "failed", "failed")],
)
def test_c4_a_finished_task_is_409_and_stays_as_it_is(
    crm: httpx.Client, native: httpx.Client, agent: str, end: str, word: str
) -> None:
    task_id = queued(crm, agent)
    until(native, task_id, end)
    before = crm.get(f"{PATH}/{task_id}/status")
    assert before.json()["task"]["status"] == word
    answer = crm.delete(f"{PATH}/{task_id}")
    assert answer.status_code == 409
    assert answer.content == b'{"error":"Task already finished"}'
    assert crm.get(f"{PATH}/{task_id}/status").content == before.content


def test_c4_a_cancelled_task_is_409(crm: httpx.Client) -> None:
    task_id = queued(crm)
    assert crm.delete(f"{PATH}/{task_id}").status_code == 200
    again = crm.delete(f"{PATH}/{task_id}")
    assert again.status_code == 409
    assert again.json() == {"error": "Task already finished"}


def test_c5_an_unknown_or_foreign_or_malformed_task_is_404(
    crm: httpx.Client, http: httpx.Client, native: httpx.Client, stranger: str
) -> None:
    task_id = queued(crm)
    theirs = {"authorization": f"Bearer {stranger}"}
    for answer in (
        crm.delete(f"{PATH}/{uuid4()}"),
        crm.delete(f"{PATH}/nonsense"),
        http.delete(f"{PATH}/{task_id}", headers=theirs),
    ):
        assert answer.status_code == 404
        assert answer.content == b'{"error":"Task not found"}'
    status = http.get(f"{PATH}/{task_id}/status", headers=theirs)
    assert (status.status_code, status.json()) == (
        404,
        {"error": "Task not found", "code": "NOT_FOUND"},
    )
    assert native.get(f"/tasks/{task_id}").json()["cancel"] is None
    crm.delete(f"{PATH}/{task_id}")


def test_c6_without_the_permission_it_is_403(
    crm: httpx.Client, http: httpx.Client, auditor: str
) -> None:
    task_id = queued(crm)
    answer = http.delete(f"{PATH}/{task_id}", headers={"authorization": f"Bearer {auditor}"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "PERMISSION_DENIED"
    crm.delete(f"{PATH}/{task_id}")


def test_c7_the_status_after_a_cancel_has_neither_result_nor_error(crm: httpx.Client) -> None:
    task_id = queued(crm)
    crm.delete(f"{PATH}/{task_id}")
    status = crm.get(f"{PATH}/{task_id}/status").json()
    assert status["task"]["status"] == "cancelled"
    assert not {"result", "error"} & set(status)
    assert "completedAt" not in status["task"]
    assert "durationMs" not in status["timing"]


def test_the_status_of_what_has_ended_has_its_result_or_its_error(
    crm: httpx.Client, native: httpx.Client
) -> None:
    done, failed = queued(crm, "order"), queued(crm, "quote")
    until(native, done, "succeeded")
    until(native, failed, "failed")
    status = crm.get(f"{PATH}/{done}/status").json()
    assert status["result"] == {"success": True, "data": {"slept_seconds": 0}}
    assert status["progress"] == 100
    assert status["timing"]["durationMs"] >= 0
    error = crm.get(f"{PATH}/{failed}/status").json()["error"]
    assert set(error) == {"code", "message", "retriable"}
    assert "it was meant to fail" in error["message"]


@pytest.mark.parametrize(
    ("wrong", "code", "text"),
    [
        ({"taskType": ""}, "MISSING_FIELD", "taskType is required"),
        ({"agent": None}, "MISSING_FIELD", "agent is required"),
        ({"input": "x"}, "MISSING_FIELD", "input object is required"),
        (
            {"agent": "triage"},
            "INVALID_AGENT",
            "Invalid agent. Must be one of: customer, order, analytics, quote",
        ),
    ],
)
def test_what_is_missing_is_named(
    crm: httpx.Client, wrong: dict[str, Any], code: str, text: str
) -> None:
    answer = crm.post(PATH, json=body(**wrong) if "agent" not in wrong else body() | wrong)
    assert answer.status_code == 400
    assert answer.json() == {"error": text, "code": code}


def test_a_signed_session_is_as_good_as_a_key_and_a_forged_one_is_not(
    crm: httpx.Client, http: httpx.Client
) -> None:
    task_id = queued(crm)
    del http.headers["authorization"]
    unauthorized = {"error": "Unauthorized", "code": "UNAUTHORIZED"}
    for wrong in (
        session(aud="other"),
        session(exp=datetime(2020, 1, 1, tzinfo=UTC)),
        jwt.encode({"sub": "x"}, "some other secret of thirty-two chars", "HS256"),
        "nonsense",
    ):
        answer = http.delete(
            f"{PATH}/{task_id}", headers={"cookie": f"countermand-session={wrong}"}
        )
        assert (answer.status_code, answer.json()) == (401, unauthorized)
    good = {"cookie": f"countermand-session={session()}"}
    crossed = http.delete(f"{PATH}/{task_id}", headers=good | {"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403
    cancelled = http.delete(f"{PATH}/{task_id}", headers=good)
    assert cancelled.json()["task"]["cancelledBy"] == "b2c9"


def test_nobody_is_401(http: httpx.Client) -> None:
    answer = http.delete(f"{PATH}/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
