"""Deep Work's projects over real HTTP: the checklist of its documentation, item by item."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.dialects.trying import forced, until, until_failed_again
from tests.e2e.running import Running

PROJECTS = "/api/deep-work/projects"
CONTROL = "/api/mission-control/projects"


@pytest.fixture
def deep(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


def started(deep: httpx.Client, depth: str = "auto", **more: Any) -> str:
    body = {"description": "Find out why racks fail\nand write it up", "research_depth": depth}
    answer = deep.post("/api/deep-work/start", json=body | more)
    assert answer.status_code == 200, answer.text
    project = answer.json()["project"]
    assert project["status"] == "planning"
    return str(project["id"])


def post(deep: httpx.Client, project_id: str, what: str) -> httpx.Response:
    return deep.post(f"{PROJECTS}/{project_id}/{what}")


def tasks(deep: httpx.Client, project_id: str) -> dict[str, dict[str, Any]]:
    plan = deep.get(f"{PROJECTS}/{project_id}/plan").json()
    return {task["title"]: task for task in plan["tasks"]}


def executing(deep: httpx.Client, native: httpx.Client) -> str:
    """A project whose first task is done and whose second runs."""
    project_id = started(deep)
    assert post(deep, project_id, "approve").json()["project"]["status"] == "executing"
    draft = tasks(deep, project_id)["Draft"]["id"]
    until(native, f"{project_id}.{draft}")
    return project_id


def refused(answer: httpx.Response, status: int, detail: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})


def test_a_started_project_is_planned_and_waits_for_its_approval(deep: httpx.Client) -> None:
    project_id = started(deep, goal_analysis={"domain": "racks"})
    assert UUID(project_id)
    plan = deep.get(f"{PROJECTS}/{project_id}/plan").json()
    assert list(plan) == [
        "project", "tasks", "progress", "prd", "execution_levels", "task_level_map",
        "goal_analysis",
    ]  # fmt: skip
    project = plan["project"]
    assert project["status"] == "awaiting_approval"
    assert project["title"] == "Find out why racks fail"
    assert (project["folder_path"], project["file_count"]) == ("", 0)
    assert [task["title"] for task in plan["tasks"]] == ["Research", "Draft", "Review"]
    assert {task["status"] for task in plan["tasks"]} == {"inbox"}
    ids = [task["id"] for task in plan["tasks"]]
    assert project["task_ids"] == ids
    assert plan["execution_levels"] == [[id] for id in ids]
    assert plan["task_level_map"] == {id: level for level, id in enumerate(ids)}
    assert plan["tasks"][1]["blocked_by"] == ids[:1]
    assert plan["tasks"][1]["blocks"] == ids[2:]
    assert plan["goal_analysis"] == {"domain": "racks"}
    assert plan["progress"] == {
        "total": 3,
        "completed": 0,
        "skipped": 0,
        "in_progress": 0,
        "blocked": 0,
        "human_pending": 0,
        "percent": 0.0,
    }


def test_an_analysis_of_any_usual_length_is_shown_with_the_plan(deep: httpx.Client) -> None:
    goal = {"domain": "racks", "phases": [{"name": "é" * 900, "done": None}] * 5}
    project_id = started(deep, goal_analysis=goal)
    assert deep.get(f"{PROJECTS}/{project_id}/plan").json()["goal_analysis"] == goal
    body = {"description": "a goal that takes long", "goal_analysis": {"text": "x" * 100_000}}
    too_long = deep.post("/api/deep-work/start", json=body)
    assert too_long.status_code == 422
    assert too_long.json()["detail"][0]["loc"] == ["body", "goal_analysis"]


@pytest.mark.parametrize("paused", [False, True])
def test_d1_a_cancel_keeps_what_is_done_and_skips_the_rest(
    deep: httpx.Client, native: httpx.Client, paused: bool
) -> None:
    project_id = executing(deep, native)
    if paused:
        assert post(deep, project_id, "pause").json()["project"]["status"] == "paused"
    answer = post(deep, project_id, "cancel")
    assert answer.status_code == 200
    assert set(answer.json()) == {"success", "project"}
    project = answer.json()["project"]
    assert list(project) == [
        "id", "title", "description", "status", "planner_agent_id", "team_agent_ids", "task_ids",
        "prd_document_id", "creator_id", "tags", "started_at", "completed_at", "created_at",
        "updated_at", "metadata",
    ]  # fmt: skip
    assert project["status"] == "cancelled"
    assert project["completed_at"].endswith("Z")
    assert len(project["task_ids"]) == 3
    after = tasks(deep, project_id)
    assert {title: task["status"] for title, task in after.items()} == {
        "Research": "done",
        "Draft": "skipped",
        "Review": "skipped",
    }
    assert after["Draft"]["error_message"] == "Project cancelled"
    assert after["Draft"]["completed_at"] is None
    assert after["Research"]["error_message"] is None


def test_a_project_that_was_never_approved_can_be_cancelled(deep: httpx.Client) -> None:
    project_id = started(deep)
    assert post(deep, project_id, "cancel").json()["project"]["status"] == "cancelled"


def test_d2_and_d4_a_cancelled_project_is_cancelled_for_good(deep: httpx.Client) -> None:
    project_id = started(deep)
    post(deep, project_id, "approve")
    post(deep, project_id, "cancel")
    again = post(deep, project_id, "cancel")
    refused(again, 400, "Cannot cancel project with status 'cancelled'")
    for what in ("approve", "resume", "pause"):
        answer = post(deep, project_id, what)
        refused(answer, 404, f"Cannot {what} project with status 'cancelled'")


def test_d3_a_completed_project_cannot_be_cancelled(
    deep: httpx.Client, native: httpx.Client
) -> None:
    project_id = started(deep, "none")
    post(deep, project_id, "approve")
    until(native, f"{project_id}.{tasks(deep, project_id)['All of it']['id']}", "succeeded")
    answer = post(deep, project_id, "cancel")
    refused(answer, 400, "Cannot cancel project with status 'completed'")
    shown = deep.get(f"{CONTROL}/{project_id}").json()
    assert shown["project"]["status"] == "completed"
    assert shown["progress"]["percent"] == 100.0


def test_d5_an_empty_body_that_says_it_is_json_is_taken(deep: httpx.Client) -> None:
    project_id = started(deep)
    answer = deep.post(
        f"{PROJECTS}/{project_id}/cancel", headers={"content-type": "application/json"}
    )
    assert answer.json()["project"]["status"] == "cancelled"


def test_d6_an_unknown_project_is_refused_as_each_route_does(deep: httpx.Client) -> None:
    unknown = str(uuid4())
    refused(post(deep, unknown, "cancel"), 400, f"Project not found: {unknown}")
    refused(post(deep, unknown, "approve"), 404, f"Project not found: {unknown}")
    refused(deep.get(f"{PROJECTS}/{unknown}/plan"), 404, "Project not found")
    refused(deep.get(f"{CONTROL}/{unknown}"), 404, "Project not found")
    refused(deep.delete(f"{CONTROL}/{unknown}"), 404, "Project not found")


def test_d7_without_a_key_it_is_401_and_with_one_in_any_of_its_forms_it_isnt(
    service: Running, http: httpx.Client
) -> None:
    path = f"{PROJECTS}/{uuid4()}/cancel"
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}):
        refused(http.post(path, headers=headers), 401, "Unauthorized")
    assert http.get(CONTROL, params={"token": service.key}).status_code == 200
    cookie = {"cookie": f"pocketpaw_session={service.key}"}
    assert http.get(CONTROL, headers=cookie).status_code == 200
    crossed = http.post(path, headers=cookie | {"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403


def test_another_organizations_project_is_not_there(
    deep: httpx.Client, http: httpx.Client, stranger: str, auditor: str
) -> None:
    project_id = started(deep)
    theirs = {"authorization": f"Bearer {stranger}"}
    path = f"{PROJECTS}/{project_id}/cancel"
    refused(http.post(path, headers=theirs), 400, f"Project not found: {project_id}")
    assert http.post(path, headers={"authorization": f"Bearer {auditor}"}).status_code == 403
    assert deep.get(f"{CONTROL}/{project_id}").json()["project"]["status"] == "awaiting_approval"


def test_a_cancel_that_is_not_confirmed_in_time_is_an_error_and_goes_on(
    deep: httpx.Client, native: httpx.Client
) -> None:
    project_id = started(deep, "quick")
    post(deep, project_id, "approve")
    until(native, f"{project_id}.{tasks(deep, project_id)['Stubborn']['id']}")
    answer = post(deep, project_id, "cancel")
    assert answer.status_code == 500
    assert deep.get(f"{CONTROL}/{project_id}").json()["project"]["status"] == "executing"
    forced(native, project_id, "projects")
    shown = deep.get(f"{CONTROL}/{project_id}").json()
    assert shown["project"]["status"] == "cancelled"
    assert shown["tasks"][0]["status"] == "skipped"


def test_a_paused_project_is_resumed(deep: httpx.Client) -> None:
    project_id = started(deep)
    refused(
        post(deep, project_id, "resume"),
        404,
        "Cannot resume project with status 'awaiting_approval'",
    )
    for what, status in (("approve", "executing"), ("pause", "paused"), ("resume", "executing")):
        assert post(deep, project_id, what).json()["project"]["status"] == status
    post(deep, project_id, "cancel")


def test_a_blocked_task_is_retried_or_skipped(deep: httpx.Client, native: httpx.Client) -> None:
    project_id = started(deep, "deep")
    post(deep, project_id, "approve")
    fails, draft = (tasks(deep, project_id)[title]["id"] for title in ("Fails", "Draft"))
    until(native, f"{project_id}.{fails}", "failed")
    until(native, f"{project_id}.{draft}")
    blocked = tasks(deep, project_id)["Fails"]
    assert blocked["status"] == "blocked"
    assert "meant to fail" in blocked["error_message"]
    base = f"{PROJECTS}/{project_id}/tasks"
    running = deep.post(f"{base}/{draft}/retry")
    refused(running, 400, "Can only retry tasks with status 'blocked', got 'in_progress'")
    refused(deep.post(f"{base}/{draft}/skip"), 400, "Cannot skip task with status 'in_progress'")
    refused(deep.post(f"{base}/{uuid4()}/skip"), 404, "Task not found")
    another = tasks(deep, started(deep))["Draft"]["id"]
    for other in (another, f"{uuid4()}.{fails}"):
        refused(deep.post(f"{base}/{other}/skip"), 400, "Task does not belong to this project")
    assert deep.post(f"{base}/{fails}/retry").json()["success"] is True
    until_failed_again(native, f"{project_id}.{fails}")
    skipped = deep.post(f"{base}/{fails}/skip").json()
    assert skipped["task"]["status"] == "skipped"
    assert skipped["progress"]["skipped"] == 1
    post(deep, project_id, "cancel")


def test_mission_control_lists_and_deletes(deep: httpx.Client, native: httpx.Client) -> None:
    first, second = started(deep), executing(deep, native)
    listed = deep.get(CONTROL, params={"limit": 1}).json()
    assert len(listed["projects"]) == 1
    assert listed["count"] >= 2
    waiting = deep.get(CONTROL, params={"status": "awaiting_approval"}).json()["projects"]
    assert first in {project["id"] for project in waiting}
    assert second not in {project["id"] for project in waiting}
    for project_id in (first, second):
        answer = deep.delete(f"{CONTROL}/{project_id}")
        message = f"Project {project_id} deleted"
        assert answer.json() == {"success": True, "message": message}
        assert deep.get(f"{CONTROL}/{project_id}").json()["project"]["status"] == "cancelled"


def test_what_doesnt_validate_is_422_with_a_list(deep: httpx.Client) -> None:
    answer = deep.post("/api/deep-work/start", json={"description": "short"})
    assert answer.status_code == 422
    (place,) = answer.json()["detail"]
    assert place["loc"] == ["body", "description"]
    body = {"description": "a goal to be analysed"}
    assert deep.post("/api/deep-work/parse-goal", json=body).status_code == 502
