"""Cancelling many tasks over real HTTP: seen first, frozen, paced, stopped half-way, refused."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import pytest

from countermand.client import SyncClient
from tests.e2e.asking import LATER
from tests.e2e.problems import refused
from tests.e2e.running import Running, until_running


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


@pytest.fixture(scope="module")
def stranger(service: Running) -> Iterator[httpx.Client]:
    with service.http(service.new_key("strangers", "admin")) as client:
        yield client


@pytest.fixture
def mark() -> str:
    """A label's value that only one test's tasks have."""
    return uuid4().hex


def pending(http: httpx.Client, mark: str, tasks: int, **more: Any) -> list[str]:
    body = [
        {"id": f"m{mark}-{n}", "kind": "sleep", "not_before": LATER, "labels": {"m": mark}, **more}
        for n in range(tasks)
    ]
    answer = http.post("/tasks", json={"tasks": body})
    assert {each["verdict"] for each in answer.json()["items"]} == {"effective"}
    return [each["id"] for each in body]


def seen(http: httpx.Client, mark: str, **more: Any) -> dict[str, Any]:
    answer = http.post("/bulk-cancels/preview", json={"where": {"labels": {"m": mark}, **more}})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def begun(http: httpx.Client, token: str, **more: Any) -> dict[str, Any]:
    answer = http.post("/bulk-cancels", json={"token": token, "reason": "too many", **more})
    assert answer.status_code == 202, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ended(http: httpx.Client, job_id: str) -> dict[str, Any]:
    document: dict[str, Any] = http.get(f"/bulk-cancels/{job_id}", params={"wait": 30}).json()
    assert document["ended_at"], document
    return document


def items(http: httpx.Client, job_id: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 7} if cursor is None else {"limit": 7, "cursor": cursor}
        page = http.get(f"/bulk-cancels/{job_id}/items", params=query).json()
        for each in page["items"]:
            assert each["task_id"] not in found
            found[each["task_id"]] = each
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_what_was_seen_is_cancelled_and_nothing_else(http: httpx.Client, mark: str) -> None:
    ids = pending(http, mark, 20)
    preview = seen(http, mark)
    assert (preview["tasks"], preview["runs"], len(preview["sample"])) == (20, 0, 10)
    (late,) = pending(http, mark + "b", 1, labels={"m": mark})
    assert http.post(f"/tasks/{ids[3]}/cancel", json={}).status_code == 200
    job = ended(http, begun(http, preview["token"])["id"])
    assert (job["state"], job["requested"], job["effective"], job["void"]) == ("done", 20, 19, 1)
    assert job["reasons"] == {"already_finished": 1}
    results = items(http, job["id"])
    assert set(results) == set(ids)
    assert results[ids[3]]["verdict"] == "void"
    assert results[ids[3]]["late_seconds"] > 0
    assert http.get(f"/tasks/{late}").json()["status"] == "pending"
    for task_id in ids:
        if task_id != ids[3]:
            assert results[task_id]["evidence"] == "never_started"
            cancel = http.get(f"/tasks/{task_id}").json()["cancel"]
            assert (cancel["why"], cancel["origin"]) == ("too many", "bulk")
            assert cancel["event_id"] == results[task_id]["event_id"]


def test_runs_are_counted_with_those_below_and_really_stop(http: httpx.Client, mark: str) -> None:
    parent = f"m{mark}"
    body = {"id": parent, "kind": "sleep", "payload": {"seconds": 600}, "labels": {"m": mark}}
    assert http.post("/tasks", json=body).status_code == 201
    child = {"id": "below", "parent": parent, "kind": "sleep", "payload": {"seconds": 600}}
    assert http.post("/tasks", json=child).status_code == 201
    for task_id in (parent, f"{parent}.below"):
        until_running(http, task_id)
    preview = seen(http, mark, status=["running"])
    assert (preview["tasks"], preview["runs"]) == (1, 2)
    job = ended(http, begun(http, preview["token"])["id"])
    assert job["effective"] == 1
    for task_id in (parent, f"{parent}.below"):
        receipt = http.get(f"/tasks/{task_id}/receipt", params={"wait": 30}).json()
        assert (receipt["status"], receipt["evidence"]) == ("cancelled", "acknowledged")


def test_every_condition_narrows(http: httpx.Client, service: Running, mark: str) -> None:
    key = service.new_key("default", "admin", "--user", f"u{mark}")
    project = f"p{mark}"
    tasks = [{"kind": "sleep", "not_before": LATER}] * 3
    made = http.post("/projects", json={"id": project, "tasks": tasks, "approved": True})
    assert made.status_code == 201, made.text
    with service.http(key) as ann:
        pending(ann, mark, 2)
    for where, count in [
        ({"project": project}, 3),
        ({"project": project, "labels": {"m": mark}}, 0),
        ({"actor": f"user:u{mark}"}, 2),
        ({"actor": f"service:u{mark}"}, 0),
        ({"project": project, "kind": "sleep", "region": "local", "status": ["pending"]}, 3),
        ({"project": project, "kind": "fail"}, 0),
        ({"project": project, "region": "elsewhere"}, 0),
        ({"project": project, "status": ["running", "waiting"]}, 0),
        ({"project": project, "older_than_seconds": 3600}, 0),
        ({"project": project, "younger_than_seconds": 3600}, 3),
        ({"project": project, "created_before": "2020-01-01T00:00:00Z"}, 0),
    ]:
        answer = http.post("/bulk-cancels/preview", json={"where": where})
        assert (answer.status_code, answer.json()["tasks"]) == (201, count), where


def test_it_stops_half_way_and_says_what_it_left(http: httpx.Client, mark: str) -> None:
    ids = pending(http, mark, 200)
    job = begun(http, seen(http, mark)["token"], per_second=40)
    with http.stream("GET", f"/tasks/{ids[0]}/stream") as frames:
        next(line for line in frames.iter_lines() if '"status":"cancelled"' in line)
    stopped = http.post(f"/bulk-cancels/{job['id']}/stop")
    assert stopped.status_code == 200
    assert stopped.json()["state"] in ("stopping", "stopped")
    job = ended(http, job["id"])
    assert job["state"] == "stopped"
    assert 0 < job["requested"] == job["effective"] < 200
    verdicts = [each["verdict"] for each in items(http, job["id"]).values()]
    assert verdicts.count("effective") == job["requested"]
    assert verdicts.count("not_requested") == 200 - job["requested"]
    statuses = {
        each["id"]: each["status"]
        for each in http.get("/tasks", params={"label": f"m={mark}", "limit": 500}).json()["items"]
    }
    assert list(statuses.values()).count("pending") == 200 - job["requested"]
    again = http.post(f"/bulk-cancels/{job['id']}/stop").json()
    assert again["stop_asked_at"] == job["stop_asked_at"]


def test_a_token_begins_one_job_however_often_it_is_sent(http: httpx.Client, mark: str) -> None:
    pending(http, mark, 3)
    token = seen(http, mark)["token"]
    first, again = begun(http, token), begun(http, token)
    assert (first["id"], first["begun_at"]) == (again["id"], again["begun_at"])
    other = http.post("/bulk-cancels", json={"token": token, "reason": "another"})
    assert refused(other, 409, "conflict")["reason"] == "already_begun"
    assert ended(http, first["id"])["effective"] == 3
    listed = http.get("/bulk-cancels").json()["items"]
    assert [each["state"] for each in listed if each["id"] == first["id"]] == ["done"]


def test_a_preview_that_is_too_old_begins_nothing(
    http: httpx.Client, service: Running, mark: str
) -> None:
    (task_id,) = pending(http, mark, 1)
    token = seen(http, mark)["token"]
    with closing(sqlite3.connect(service.data / "control.sqlite")) as control, control:
        control.execute("UPDATE bulk_cancels SET expires_at_us = 1 WHERE id = ?", (token,))
    answer = http.post("/bulk-cancels", json={"token": token})
    assert refused(answer, 409, "conflict")["reason"] == "preview_expired"
    assert http.get(f"/tasks/{task_id}").json()["status"] == "pending"


def test_more_than_the_cap_are_refused_whole(http: httpx.Client, mark: str) -> None:
    pending(http, mark, 4)
    body = {"where": {"labels": {"m": mark}}, "cap": 3}
    said = refused(http.post("/bulk-cancels/preview", json=body), 413, "too-large")["detail"]
    assert said.startswith("tasks that fit: at most 3; narrow the filter, or raise the cap")
    body["cap"] = 10_000_000
    refused(http.post("/bulk-cancels/preview", json=body), 422, "invalid")


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({}, id="everything"),
        pytest.param({"color": "blue"}, id="unknown_condition"),
        pytest.param({"status": ["succeeded"]}, id="what_has_ended"),
        pytest.param({"project": "a b"}, id="no_id"),
        pytest.param({"actor": "ann"}, id="no_kind_of_actor"),
        pytest.param({"older_than_seconds": -1}, id="negative_age"),
        pytest.param({"created_before": "2026-01-01T00:00:00"}, id="no_time_zone"),
    ],
)
def test_a_bad_filter_is_refused_with_its_place(http: httpx.Client, where: Any) -> None:
    answer = http.post("/bulk-cancels/preview", json={"where": where})
    assert refused(answer, 422, "invalid")["errors"]


def test_unknown_tokens_and_jobs_are_not_found(http: httpx.Client) -> None:
    refused(http.post("/bulk-cancels", json={"token": str(uuid4())}), 404, "not-found")
    refused(http.get("/bulk-cancels/none"), 404, "not-found")
    refused(http.get("/bulk-cancels/none/items"), 404, "not-found")
    refused(http.post("/bulk-cancels/none/stop"), 404, "not-found")


def test_nobody_sees_begins_or_stops_another_organizations(
    http: httpx.Client, stranger: httpx.Client, mark: str
) -> None:
    (task_id,) = pending(http, mark, 1)
    assert seen(stranger, mark)["tasks"] == 0
    preview = seen(http, mark)
    refused(stranger.post("/bulk-cancels", json={"token": preview["token"]}), 404, "not-found")
    assert http.get(f"/tasks/{task_id}").json()["status"] == "pending"
    job_id = begun(http, preview["token"])["id"]
    refused(stranger.get(f"/bulk-cancels/{job_id}"), 404, "not-found")
    refused(stranger.get(f"/bulk-cancels/{job_id}/items"), 404, "not-found")
    refused(stranger.post(f"/bulk-cancels/{job_id}/stop"), 404, "not-found")
    assert stranger.get("/bulk-cancels").json()["items"] == []


@pytest.mark.parametrize(
    ("role", "scopes", "permission"),
    [
        pytest.param("canceller", [], "operate", id="may_cancel_one"),
        pytest.param("admin", ["--scope", "operate"], "tasks.cancel", id="may_only_operate"),
    ],
)
def test_it_takes_both_permissions(
    service: Running, role: str, scopes: list[str], permission: str
) -> None:
    with service.http(service.new_key("default", role, *scopes)) as http:
        body = {"where": {"kind": "sleep"}}
        answer = http.post("/bulk-cancels/preview", json=body)
        assert refused(answer, 403, "forbidden")["permission"] == permission
        refused(http.post("/bulk-cancels", json={"token": "x"}), 403, "forbidden")
        refused(http.get("/bulk-cancels"), 403, "forbidden")


def test_the_command_line_shows_asks_cancels_and_lists(
    service: Running, http: httpx.Client, mark: str
) -> None:
    pending(http, mark, 5)
    where = ("cancel", "--where", f"label=m={mark}", "--where", "handler=sleep")
    assert "5 tasks; 0 runs" in service.run(*where, "--preview")
    assert http.get("/tasks", params={"label": f"m={mark}"}).json()["items"][0]["cancel"] is None
    assert "5 effective" in service.run(*where, "--yes", "--reason", "enough")
    (job,) = [
        each
        for each in json.loads(service.run("bulk", "list", "--json"))
        if each["where"]["labels"] == {"m": mark}
    ]
    said = service.run("bulk", "show", job["id"], "--items")
    assert said.count("never_started") == 5
    assert service.command("cancel", "--where", "color=blue").returncode == 2


def test_the_client_does_the_same(service: Running, http: httpx.Client, mark: str) -> None:
    ids = pending(http, mark, 3)
    with SyncClient(service.url, service.key) as client:
        preview = client.preview_cancel_many({"labels": {"m": mark}})
        job = client.cancel_many(preview["token"], reason="enough", per_second=100)
        job = client.bulk_cancel(job["id"], wait_seconds=20)
        assert (job["state"], job["effective"]) == ("done", 3)
        assert {each["task_id"] for each in client.bulk_items(job["id"])} == set(ids)
        assert client.stop_bulk_cancel(job["id"])["state"] == "done"
        assert job["id"] in {each["id"] for each in client.bulk_cancels()}
