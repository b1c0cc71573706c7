"""Projects are planned, steered and cancelled; no task waits for ever."""

from itertools import pairwise

import httpx

from services.operations.dependencies import LOOKED_AT
from tests.e2e.asking import project, waiting
from tests.e2e.problems import refused
from tests.e2e.running import Running


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
