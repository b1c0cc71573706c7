"""A request that is repeated with its idempotency key gets the first answer."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import LATER, waiting
from tests.e2e.problems import refused


def test_the_same_idempotency_key_gives_the_first_answer(http: httpx.Client) -> None:
    headers = {"idempotency-key": uuid4().hex}
    body = {"kind": "sleep", "not_before": LATER}
    first = http.post("/tasks", json=body, headers=headers)
    second = http.post("/tasks", json=body, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    other = http.post("/tasks", json={"kind": "another"}, headers=headers)
    assert refused(other, 409, "conflict")["reason"] == "idempotency_key_reused"
    task_id = first.json()["id"]
    headers = {"idempotency-key": uuid4().hex}
    receipts = {http.post(f"/tasks/{task_id}/cancel", headers=headers).content for _ in range(3)}
    assert len(receipts) == 1


def test_a_refused_request_does_not_use_up_its_key(http: httpx.Client) -> None:
    headers = {"idempotency-key": uuid4().hex}
    task_id = f"late-{uuid4().hex}"
    refused(http.post(f"/tasks/{task_id}/cancel", headers=headers), 404, "not-found")
    waiting(http, id=task_id)
    assert http.post(f"/tasks/{task_id}/cancel", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"kind": "x", "payload": {"x": "y" * 1_500_000}}, 413, id="too_large"),
        pytest.param({"kind": "x", "id": "a b"}, 422, id="no_id"),
    ],
)
def test_a_key_of_what_was_refused_late_stands_for_the_mended_request(
    http: httpx.Client, body: dict[str, Any], status: int
) -> None:
    headers = {"idempotency-key": uuid4().hex}
    for _ in range(2):
        assert http.post("/tasks", json=body, headers=headers).status_code == status
    mended = {"kind": "sleep", "not_before": LATER}
    first = http.post("/tasks", json=mended, headers=headers)
    assert first.status_code == 201, first.text
    assert http.post("/tasks", json=mended, headers=headers).content == first.content


def test_a_bad_idempotency_key_is_refused(http: httpx.Client) -> None:
    answer = http.post("/tasks", json={"kind": "x"}, headers={"idempotency-key": "x" * 256})
    refused(answer, 422, "invalid")
