"""Projects are planned, steered and cancelled; no task waits for ever."""

from itertools import pairwise

import httpx

from services.operations.dependencies import LOOKED_AT
from tests.e2e.asking import LATER, SLEEP, WAIT, project, waiting
from tests.e2e.problems import refused
from tests.e2e.running import Running, until_running


def test_a_project_is_created_with_its_tasks_approved_paused_and_resumed(
    http: httpx.Client,
) -> None:
    made = project(http, title="Release")
    path = f"/projects/{made['id']}"
    assert (made["status"], made["planned_tasks"], made["arrived"]) == ("planned", 2, 2)
    assert http.post(f"{path}/approve").json()["status"] == "executing"
    assert http.post(f"{path}/pause").json()["status"] == "paused"
    assert http.post(f"{path}/resume").json()["status"] == "executing"
    wrong = refused(http.post(f"{path}/approve"), 409, "conflict")
    assert wrong["reason"] == "wrong_project_status"
    skipped = http.post(f"/tasks/{made['id']}.first/skip")
    assert skipped.json()["status"] == "skipped", skipped.text
    tasks = http.get("/tasks", params={"project": made["id"]}).json()["items"]
    assert {task["status"] for task in tasks} == {"skipped", "pending"}


def test_a_cancelled_project_skips_what_waits_and_is_terminal(http: httpx.Client) -> None:
    made = project(http, approved=True)
    path = f"/projects/{made['id']}"
    receipt = http.post(f"{path}/cancel", json={"reason": "wrong plan"})
    assert receipt.status_code == 200, receipt.text
    assert receipt.json()["status"] == "cancelled"
    assert http.get(path).json()["status"] == "cancelled"
    assert http.get(f"{path}/receipt").json()["why"] == "wrong plan"
    tasks = http.get("/tasks", params={"project": made["id"]}).json()["items"]
    assert {task["status"] for task in tasks} == {"skipped"}
    refused(http.post(f"{path}/cancel"), 409, "conflict")
    lines = http.get(f"{path}/history").json()["items"]
    assert "countermand.project.cancel-requested.v1" in {line["event"]["type"] for line in lines}
    child = http.get(f"/tasks/{made['id']}.first/history").json()["items"]
    assert child[-1]["about"] == f"{made['id']}.first"
    assert child[-1]["status"] == "skipped"
    ids = [each["id"] for each in http.get("/projects").json()["items"]]
    assert made["id"] in ids


def test_a_cancelled_project_keeps_what_is_done_stops_what_runs_and_skips_the_rest(
    http: httpx.Client,
) -> None:
    work = [
        {"id": "done", "kind": "sleep", "payload": {"seconds": 0}},
        {"id": "running", **SLEEP},
        {"id": "asking", "kind": "asks"},
        {"id": "later", "kind": "sleep", "not_before": LATER},
        {"id": "behind", "kind": "sleep", "depends_on": ["running"]},
    ]
    made = http.post("/projects", json={"tasks": work, "approved": True}).json()["id"]
    for name, status in (("done", "succeeded"), ("running", "running"), ("asking", "waiting")):
        until_running(http, f"{made}.{name}", status)
    before = http.get("/export").headers["countermand-end"]

    receipt = http.post(f"/projects/{made}/cancel", json={"reason": "wrong plan"}, headers=WAIT)

    assert (receipt.status_code, receipt.json()["status"]) == (200, "cancelled"), receipt.text
    assert receipt.json()["stopped_at"] is not None
    tasks = {
        task["id"].removeprefix(f"{made}."): (task["status"], task["evidence"])
        for task in http.get("/tasks", params={"project": made}).json()["items"]
    }
    assert tasks == {
        "done": ("succeeded", None),
        "running": ("cancelled", "acknowledged"),
        "asking": ("cancelled", "acknowledged"),
        "later": ("skipped", None),
        "behind": ("skipped", None),
    }
    assert http.get(f"/projects/{made}/receipt").json()["event_id"] == receipt.json()["event_id"]
    # There is no way back,
    for verb in ("plan", "approve", "pause", "resume", "cancel"):
        refused(http.post(f"/projects/{made}/{verb}"), 409, "conflict")
    refused(http.post(f"/tasks/{made}.running/retry"), 409, "conflict")
    late = http.post("/tasks", json={"kind": "sleep", "project": made})
    assert refused(late, 409, "conflict")["reason"]
    assert http.get(f"/projects/{made}").json()["status"] == "cancelled"
    # and how it was stays to be seen.
    then = http.get(f"/projects/{made}", params={"as_of": f"before:{before}"}).json()
    assert (then["status"], then["active"], then["cancel"]) == ("executing", 2, None)


def test_a_project_can_be_seen_as_it_was_alone_and_in_a_list(http: httpx.Client) -> None:
    made = project(http)
    path, then = f"/projects/{made['id']}", made["position"]
    assert http.post(f"{path}/approve").status_code == 200
    assert http.post(f"{path}/cancel").status_code == 200
    line = http.get(f"{path}/history").json()["items"][-1]
    behind = f"before:0:{int(then.partition(':')[2]) + 1}"
    for as_of, status in ((then, "planned"), (behind, "planned"), (line["position"], "cancelled")):
        query = {"as_of": as_of}
        assert http.get(path, params=query).json()["status"] == status, as_of
        listed = http.get("/projects", params={**query, "limit": 500}).json()["items"]
        assert [each["status"] for each in listed if each["id"] == made["id"]] == [status], as_of
    for as_of, status in ((line["appended_at"], "cancelled"),):
        assert http.get(path, params={"as_of": as_of}).json()["status"] == status
    never = {"as_of": "before:0:0"}
    refused(http.get(path, params=never), 404, "not-found")
    assert http.get("/projects", params=never).json()["items"] == []


def test_a_project_can_be_planned_step_by_step(http: httpx.Client) -> None:
    made = http.post("/projects", json={"title": "empty"}).json()
    assert made["status"] == "planning"
    waiting(http, project=made["id"])
    planned = http.post(f"/projects/{made['id']}/plan").json()
    assert (planned["status"], planned["planned_tasks"]) == ("planned", 1)
    full = http.post("/tasks", json={"kind": "x", "project": made["id"]})
    assert refused(full, 409, "conflict")["reason"] == "plan_is_full"


def test_tasks_that_wait_for_each_other_are_refused_and_nothing_is_said(
    http: httpx.Client,
) -> None:
    """None of them would ever start."""
    itself = {"id": "alone", "kind": "sleep", "depends_on": ["alone"]}
    circle = [
        {"id": "a", "kind": "sleep", "depends_on": ["c", "first"]},
        {"id": "b", "kind": "sleep", "depends_on": ["a"]},
        {"id": "c", "kind": "sleep", "depends_on": ["b"]},
        {"id": "first", "kind": "sleep"},
    ]
    problem = refused(http.post("/tasks", json=itself), 422, "invalid")
    assert "'alone' waits for 'alone'" in problem["detail"]
    refused(http.post("/tasks", json={"tasks": [itself]}), 422, "invalid")
    problem = refused(http.post("/projects", json={"id": "round", "tasks": circle}), 422, "invalid")
    assert "'round.a' waits for 'round.c' waits for 'round.b'" in problem["detail"]
    for path in ("/tasks/alone", "/projects/round", "/tasks/round.first"):
        refused(http.get(path), 404, "not-found")


def test_a_circle_that_a_later_request_would_close_is_refused(http: httpx.Client) -> None:
    made = http.post("/projects", json={"title": "step by step"}).json()["id"]

    def task(name: str, after: str) -> httpx.Response:
        body = {"id": name, "kind": "sleep", "project": made, "depends_on": [f"{made}.{after}"]}
        return http.post("/tasks", json=body)

    assert [task("a", "b").status_code, task("b", "c").status_code] == [201, 201]
    problem = refused(task("c", "a"), 422, "invalid")
    assert f"'{made}.c' waits for '{made}.a' waits for" in problem["detail"]
    refused(http.get(f"/tasks/{made}.c"), 404, "not-found")
    assert (
        http.post("/tasks", json={"id": "c", "kind": "sleep", "project": made}).status_code == 201
    )
    assert task("d", "a").status_code == 201


def test_a_circle_that_nobody_saw_coming_is_said(service: Running, http: httpx.Client) -> None:
    """It is longer than what is looked at when its last task comes."""
    made = http.post("/projects", json={"title": "long"}).json()["id"]
    names = [f"{made}.t{n}" for n in range(LOOKED_AT + 3)]
    tasks = [
        {"id": id, "kind": "sleep", "project": made, "depends_on": [ahead]}
        for id, ahead in pairwise(names)
    ]
    assert http.post("/tasks", json={"tasks": tasks}).status_code == 201
    assert "which waits for" in service.run("status", names[0])
    last = {"id": names[-1], "kind": "sleep", "project": made, "depends_on": [names[0]]}
    assert http.post("/tasks", json=last).status_code == 201
    assert "none of them will ever start; skip or cancel one" in service.run("status", names[0])


def test_a_task_waits_for_nobody_elsewhere(http: httpx.Client) -> None:
    elsewhere = {"kind": "sleep", "depends_on": [waiting(http)]}
    problem = refused(http.post("/tasks", json=elsewhere), 409, "conflict")
    assert problem["reason"] == "dependency_elsewhere"
    assert "own project or family" in problem["detail"]
