"""One task, one key, five dialects and the native API: each sees what the others did."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.dialects.trying import SITE, until
from tests.e2e.running import Running

Ask = Callable[[str], tuple[str, str]]
NICO = "/v2/org/default/nico"

CREATE: dict[str, tuple[str, dict[str, Any], str]] = {
    "native": ("/countermand/v1/tasks", {"kind": "sleep", "payload": {"seconds": 600}}, "id"),
    "xpander": ("/v1/agents/sleeper/invoke/async", {"input": {"text": "x"}}, "id"),
    "sigmic": ("/api/v1/tasks", {"message": "x"}, "data.id"),
    "crm": (
        "/api/ai/agent",
        {"taskType": "x", "agent": "analytics", "input": {}},
        "taskId",
    ),
    "nico": (f"{NICO}/rack/{SITE}/bringup", {"siteId": SITE, "seconds": 600}, "taskIds.0"),
    "deep-work": ("/api/deep-work/start", {"description": "a goal that takes long"}, "project.id"),
}
SEE: dict[str, tuple[str, str]] = {
    "native": ("/countermand/v1/tasks/{id}", "status"),
    "xpander": ("/v1/tasks/{id}", "status"),
    "sigmic": ("/api/v1/tasks/{id}", "data.status"),
    "crm": ("/api/ai/agent/{id}/status", "task.status"),
    "nico": (f"{NICO}/task/{{id}}?siteId={SITE}", "status"),
}
CANCEL: dict[str, tuple[str, str]] = {
    "native": ("POST", "/countermand/v1/tasks/{id}/cancel"),
    "xpander": ("POST", "/v1/tasks/{id}/stop"),
    "sigmic": ("DELETE", "/api/v1/tasks/{id}"),
    "crm": ("DELETE", "/api/ai/agent/{id}"),
    "nico": ("POST", f"{NICO}/task/{{id}}/cancel"),
}
STOPPED = {
    "native": "cancelled",
    "xpander": "stopped",
    "sigmic": "cancelled",
    "crm": "cancelled",
    "nico": "Terminated",
}


def at(path: str, document: Any) -> str:
    for part in path.split("."):
        document = document[int(part)] if part.isdigit() else document[part]
    return str(document)


@pytest.fixture
def anybody(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


def made(anybody: httpx.Client, native: httpx.Client, where: str) -> str:
    path, body, id_at = CREATE[where]
    answer = anybody.post(path, json=body)
    assert answer.is_success, answer.text
    id = at(id_at, answer.json())
    if where != "deep-work":
        return id
    anybody.post(f"/api/deep-work/projects/{id}/approve")
    plan = anybody.get(f"/api/deep-work/projects/{id}/plan").json()
    return f"{id}.{plan['tasks'][1]['id']}"


BEARER, KEY_HEADER = "Bearer", "x-api-key"
FORMS = {
    "/v1/tasks": (BEARER, KEY_HEADER),
    "/api/v1/tasks": (BEARER, KEY_HEADER),
    "/api/ai/agent/{id}/status": (BEARER, KEY_HEADER),
    f"{NICO}/task?siteId={SITE}": (BEARER,),
    "/api/mission-control/projects": (BEARER, KEY_HEADER, "token", "cookie"),
    "/countermand/v1/tasks": (BEARER, KEY_HEADER),
}


@pytest.mark.parametrize("path", FORMS)
def test_one_key_is_good_in_each_dialects_own_forms(
    service: Running, http: httpx.Client, native: httpx.Client, path: str
) -> None:
    key = service.key
    sent: dict[str, dict[str, dict[str, str]]] = {
        BEARER: {"headers": {"authorization": f"Bearer {key}"}},
        KEY_HEADER: {"headers": {"X-API-Key": key}},
        "token": {"params": {"token": key}},
        "cookie": {"headers": {"cookie": f"pocketpaw_session={key}"}},
    }
    task_id = native.post("/tasks", json={"kind": "sleep"}).json()["id"]
    for form in FORMS[path]:
        assert http.get(path.format(id=task_id), **sent[form]).status_code == 200, form  # type: ignore[arg-type]
    assert http.get(path.format(id=task_id)).status_code == 401


@pytest.mark.parametrize("made_in", CREATE)
def test_a_task_of_any_dialect_is_seen_by_all_and_cancelled_by_each(
    anybody: httpx.Client, native: httpx.Client, made_in: str
) -> None:
    for cancelled_in, (method, path) in CANCEL.items():
        task_id = made(anybody, native, made_in)
        until(native, task_id)
        body = {"siteId": SITE} if cancelled_in == "nico" else None
        answer = anybody.request(method, path.format(id=task_id), json=body)
        assert answer.is_success, (cancelled_in, answer.text)
        seen = {
            name: at(where, anybody.get(shown.format(id=task_id)).json())
            for name, (shown, where) in SEE.items()
        }
        assert seen == STOPPED
        if made_in == "deep-work":
            break


@pytest.mark.parametrize("dialect", CANCEL)
def test_a_projects_task_cancelled_in_any_dialect_is_skipped_in_deep_work(
    anybody: httpx.Client, native: httpx.Client, dialect: str
) -> None:
    task_id = made(anybody, native, "deep-work")
    until(native, task_id)
    method, path = CANCEL[dialect]
    body = {"siteId": SITE} if dialect == "nico" else None
    answer = anybody.request(method, path.format(id=task_id), json=body)
    assert answer.is_success, answer.text
    project_id, _, shown_id = task_id.partition(".")
    plan = anybody.get(f"/api/deep-work/projects/{project_id}/plan").json()
    (task,) = [each for each in plan["tasks"] if each["id"] == shown_id]
    assert (task["status"], task["error_message"]) == ("skipped", "Task cancelled")
    assert plan["project"]["status"] == "executing"
    anybody.post(f"/api/deep-work/projects/{project_id}/cancel")


def test_what_a_deadline_stopped_nobody_stopped(
    anybody: httpx.Client, native: httpx.Client
) -> None:
    deadline = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    body = {"kind": "sleep", "payload": {"seconds": 600}, "deadline": deadline}
    task_id = native.post("/tasks", json=body).json()["id"]
    until(native, task_id, "cancelled")
    stopped = anybody.post(f"/v1/tasks/{task_id}/stop").json()
    assert (stopped["status"], stopped["is_manually_stopped"]) == ("stopped", False)
    shown, _ = SEE["nico"]
    terminated = anybody.get(shown.format(id=task_id)).json()
    assert terminated["message"] == "Cancelled by its deadline"


def test_a_project_cancelled_in_deep_work_stops_its_tasks_everywhere(
    anybody: httpx.Client, native: httpx.Client
) -> None:
    task_id = made(anybody, native, "deep-work")
    until(native, task_id)
    project_id = task_id.partition(".")[0]
    assert anybody.post(f"/api/deep-work/projects/{project_id}/cancel").status_code == 200
    for name, (shown, where) in SEE.items():
        assert at(where, anybody.get(shown.format(id=task_id)).json()) == STOPPED[name]
