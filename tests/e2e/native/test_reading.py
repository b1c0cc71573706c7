"""Tasks and the history are read, as they are and as they were."""

from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import LATER, waiting
from tests.e2e.problems import refused
from tests.e2e.running import Running


def test_tasks_are_listed_by_what_they_are_newest_first_page_by_page(http: httpx.Client) -> None:
    label = uuid4().hex
    ids = [waiting(http, labels={"batch": label}) for _ in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        query: dict[str, str | int] = {
            "label": f"batch={label}",
            "limit": 2,
            **({"cursor": cursor} if cursor else {}),
        }
        page = http.get("/tasks", params=query).json()
        found += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == ids[::-1]


@pytest.mark.parametrize(
    "query",
    ["cursor=nonsense", "as_of=yesterday", "label=x", "status=gone", "limit=0", "actor=me",
     "created_from=2026-01-01T00:00:00", "as_of=0:1,0:2", "as_of=\u0663:\u0661"],
)  # fmt: skip
def test_bad_queries_are_refused(http: httpx.Client, query: str) -> None:
    refused(http.get(f"/tasks?{query}"), 422, "invalid")


@pytest.mark.parametrize(
    "as_of", ["0:1000000", "7:0", "before:0:1000000", "before:7:1", "0:" + "9" * 30]
)
def test_what_the_log_has_not_reached_is_no_past(http: httpx.Client, as_of: str) -> None:
    """It would be answered with the present, and otherwise later."""
    task_id = waiting(http)
    for path in (f"/tasks/{task_id}", "/tasks", "/projects"):
        problem = refused(http.get(path, params={"as_of": as_of}), 422, "invalid")
        assert "the log ends at 0:" in problem["detail"]


def test_a_time_to_come_is_no_past(http: httpx.Client) -> None:
    task_id = waiting(http)
    for path in (f"/tasks/{task_id}", "/tasks", "/projects"):
        problem = refused(http.get(path, params={"as_of": LATER}), 422, "invalid")
        assert "still to come" in problem["detail"]


@pytest.mark.parametrize("path", ["/history", "/export"])
def test_nothing_is_read_from_behind_the_end(http: httpx.Client, path: str) -> None:
    for start in ("0:1000000", "7:1"):
        problem = refused(http.get(path, params={"start": start}), 422, "invalid")
        assert "ends at 0:" in problem["detail"]
    end = http.get("/export").headers["countermand-end"]
    assert http.get(path, params={"start": end}).status_code == 200


def test_what_a_route_does_not_know_is_refused_with_what_it_knows(http: httpx.Client) -> None:
    """A filter that is spelled wrong would show everything."""
    task_id = waiting(http)
    for path in ("/tasks", f"/tasks/{task_id}", "/projects", "/history", "/export", "/stream"):
        problem = refused(http.get(path, params={"stauts": "running"}), 422, "invalid")
        assert problem["errors"][0]["field"] == "stauts", path
    known = refused(http.get("/tasks", params={"kind": "x", "stauts": "x"}), 422, "invalid")
    assert "actor, as_of, created_before," in known["detail"]
    assert "limit, parent, project, region, root, status" in known["detail"]
    refused(http.post(f"/tasks/{task_id}/cancel?force=true"), 422, "invalid")
    assert http.get(f"/tasks/{task_id}").json()["status"] == "pending"


def test_a_type_that_no_event_has_is_refused_with_those_that_there_are(http: httpx.Client) -> None:
    for path in ("/history", "/export"):
        query = {"type": ["countermand.task.started.v1", "nonsense"]}
        problem = refused(http.get(path, params=query), 422, "invalid")
        assert "'nonsense' is none of countermand.cancel.denied.v1, " in problem["detail"]


def test_a_task_can_be_seen_as_it_was(http: httpx.Client) -> None:
    task_id = waiting(http)
    then = http.get(f"/tasks/{task_id}").json()["position"]
    assert http.post(f"/tasks/{task_id}/cancel").status_code == 200
    line = http.get(f"/tasks/{task_id}/history").json()["items"][0]
    for as_of in (then, f"before:0:{int(then[2:]) + 1}", line["appended_at"]):
        task = http.get(f"/tasks/{task_id}", params={"as_of": as_of}).json()
        assert task["status"] == "pending", as_of
        listed = http.get("/tasks", params={"as_of": as_of, "root": task_id}).json()["items"]
        assert [each["status"] for each in listed] == ["pending"], as_of
    assert http.get(f"/tasks/{task_id}").json()["status"] == "cancelled"
    refused(http.get(f"/tasks/{task_id}?as_of=before:0:0"), 404, "not-found")


def test_the_history_is_asked_by_actor_type_verdict_and_time(http: httpx.Client) -> None:
    task_id = waiting(http)
    http.post(f"/tasks/{task_id}/cancel")
    http.post(f"/tasks/{task_id}/cancel")
    lines = http.get("/history", params={"root": task_id}).json()["items"]
    actor = lines[0]["event"]["data"]["actor"]
    for query in (
        {"actor": f"{actor['kind']}:{actor['id']}", "root": task_id, "verdict": "void"},
        {"type": "countermand.cancel.requested.v1", "root": task_id, "verdict": "void"},
        {"task": task_id, "verdict": "void", "appended_from": lines[0]["appended_at"]},
    ):
        found = http.get("/history", params=query).json()["items"]
        assert [line["reason"] for line in found] == ["already_finished"], query
    behind_the_first = f"0:{int(lines[0]['position'][2:]) + 1}"
    after = http.get("/history", params={"start": behind_the_first, "root": task_id}).json()
    assert after["items"] == lines[1:]
    newest = http.get("/history", params={"newest_first": True, "limit": 1}).json()
    assert newest["items"][0]["event"]["subject"]
    assert newest["next_cursor"]


def test_an_unknown_id_is_404_on_every_route(http: httpx.Client) -> None:
    for path in ("", "/receipt", "/history", "/stream"):
        refused(http.get(f"/tasks/no-such-task{path}"), 404, "not-found")
    for path in ("/cancel", "/approve", "/retry", "/skip"):
        refused(http.post(f"/tasks/no-such-task{path}"), 404, "not-found")
    for path in ("", "/receipt", "/history", "/stream"):
        refused(http.get(f"/projects/no-such-project{path}"), 404, "not-found")
    for path in ("/cancel", "/plan", "/approve", "/pause", "/resume"):
        refused(http.post(f"/projects/no-such-project{path}"), 404, "not-found")


def test_unknown_routes_and_methods_are_problems_too(http: httpx.Client) -> None:
    refused(http.get("/nothing-here"), 404, "no-such-route")
    refused(http.put("/tasks"), 405, "wrong-method")


def test_health_needs_no_key_and_says_how_far_behind(service: Running) -> None:
    assert httpx.get(service.url + "/healthz").json() == {"status": "up"}
    ready = httpx.get(service.url + "/readyz")
    assert ready.status_code == 200
    assert ready.json()["lag_entries"] >= 0
