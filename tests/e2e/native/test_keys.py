"""Who may what: by key, role, scope and organization."""

import json
import time
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import LATER, project, waiting
from tests.e2e.problems import refused
from tests.e2e.running import Running


def test_without_a_good_key_nothing_is_answered(service: Running) -> None:
    for headers in (
        {},
        {"authorization": "Bearer cm_wrong"},
        {"authorization": "Basic dTpw"},
        {"x-api-key": ""},
        {"authorization": "Bearer " + "x" * 9000},
    ):
        answer = httpx.get(service.url + "/countermand/v1/tasks?unknown=1", headers=headers)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_auditor_reads_everything_and_writes_nothing(
    http: httpx.Client, auditor: httpx.Client
) -> None:
    task_id = waiting(http)
    made = project(http)
    for path in (f"/tasks/{task_id}", "/tasks", "/history", f"/projects/{made['id']}"):
        assert auditor.get(path).status_code == 200
    refused(auditor.post("/tasks", json={"kind": "x"}), 403, "forbidden")
    refused(auditor.post("/projects", json={}), 403, "forbidden")
    for verb in ("cancel", "approve", "retry", "skip"):
        refused(auditor.post(f"/tasks/{task_id}/{verb}"), 403, "forbidden")
    for verb in ("cancel", "plan", "approve", "pause", "resume"):
        refused(auditor.post(f"/projects/{made['id']}/{verb}"), 403, "forbidden")
    denied = auditor.get("/history", params={"type": "countermand.cancel.denied.v1"}).json()
    assert {line["event"]["data"]["actor"]["id"] for line in denied["items"]} >= {"ann"}
    assert http.get(f"/tasks/{task_id}").json()["status"] == "pending"


def test_nobody_sees_or_stops_another_organization_s_work(
    http: httpx.Client, stranger: httpx.Client
) -> None:
    task_id = waiting(http)
    made = project(http)
    for path in ("", "/receipt", "/history", "/stream"):
        refused(stranger.get(f"/tasks/{task_id}{path}"), 404, "not-found")
        refused(stranger.get(f"/projects/{made['id']}{path}"), 404, "not-found")
    then = http.get(f"/tasks/{task_id}/history").json()["items"][0]["appended_at"]
    refused(stranger.get(f"/tasks/{task_id}", params={"as_of": then}), 404, "not-found")
    for verb in ("cancel", "approve", "retry", "skip"):
        refused(stranger.post(f"/tasks/{task_id}/{verb}"), 404, "not-found")
    for verb in ("cancel", "plan", "approve", "pause", "resume"):
        refused(stranger.post(f"/projects/{made['id']}/{verb}"), 404, "not-found")
    theirs = stranger.get("/history", params={"limit": 500}).json()["items"]
    assert {line["event"]["organization"] for line in theirs} == {"strangers"}
    for path in ("/tasks", "/projects"):
        assert task_id not in stranger.get(path, params={"limit": 500}).text
        assert made["id"] not in stranger.get(path, params={"limit": 500}).text
    mine = waiting(stranger, id=task_id)
    assert mine == task_id
    assert stranger.post(f"/tasks/{task_id}/cancel").status_code == 200
    assert http.get(f"/tasks/{task_id}").json()["status"] == "pending"
    denied = stranger.get("/history", params={"type": "countermand.cancel.denied.v1"}).json()
    assert task_id in {line["event"]["data"]["named"] for line in denied["items"]}
    ours = http.get("/history", params={"type": "countermand.cancel.denied.v1", "root": task_id})
    assert ours.json()["items"] == []


def test_a_revoked_key_is_refused_within_a_second(service: Running) -> None:
    key = service.new_key("default", "admin", "--user", "bob", "--prefix", "bob_")
    assert key.startswith("bob_")
    with service.http(key) as bob:
        assert bob.get("/tasks").status_code == 200
        service.run("keys", "revoke", key[:10])
        time.sleep(1)  # the promise is about time
        refused(bob.get("/tasks"), 401, "unauthenticated")
    listed = json.loads(service.run("keys", "list", "--json"))
    assert [each["revoked_by"] is not None for each in listed if each["shown"] == key[:10]] == [
        True
    ]
    assert key not in json.dumps(listed)


@pytest.mark.parametrize("path", ["/stream", "/tasks/{id}/stream"])
def test_a_stream_ends_with_the_key_that_opened_it(
    service: Running, http: httpx.Client, path: str
) -> None:
    task_id = str(uuid4())
    http.post("/tasks", json={"kind": "sleep", "id": task_id, "not_before": LATER})
    key = service.new_key("default", "admin", "--prefix", "bob_")
    with service.http(key) as bob, bob.stream("GET", path.format(id=task_id), timeout=10) as frames:
        lines = frames.iter_lines()
        assert next(lines).startswith(":")
        service.run("keys", "revoke", key[:10])
        with pytest.raises(httpx.RemoteProtocolError):  # cut; a heartbeat would come only later
            for _ in lines:
                pass
    # Another key's goes on.
    with http.stream("GET", "/stream", timeout=10) as frames:
        lines = frames.iter_lines()
        assert next(lines).startswith(":")
        time.sleep(1)  # the promise is about time
        http.post(f"/tasks/{task_id}/cancel")
        assert any(task_id in line for line in lines)


def test_a_scope_narrows_a_role(service: Running) -> None:
    key = service.new_key("default", "admin", "--scope", "tasks.read")
    with service.http(key) as http:
        assert http.get("/tasks").status_code == 200
        refused(http.post("/tasks", json={"kind": "x"}), 403, "forbidden")


def test_no_key_is_ever_logged(service: Running) -> None:
    assert service.key not in service.said()
