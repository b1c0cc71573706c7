"""xpander's tasks over real HTTP: the checklist of its documentation, item by item."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.dialects.trying import forced, until
from tests.e2e.running import Running


@pytest.fixture
def xpander(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["x-api-key"] = service.key
    return http


def invoked(xpander: httpx.Client, agent: str = "sleeper", **more: Any) -> str:
    body = {"input": {"text": "count the racks", "files": []}, **more}
    answer = xpander.post(f"/v1/agents/{agent}/invoke/async", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def running(xpander: httpx.Client, native: httpx.Client, agent: str = "sleeper") -> str:
    task_id = invoked(xpander, agent)
    until(native, task_id)
    return task_id


def test_an_invoked_agent_is_a_task_with_every_field_of_an_execution(
    xpander: httpx.Client,
) -> None:
    body = {
        "input": {"text": "hello", "files": ["a.txt"], "user": {"email": "ann@example.org"}},
        "title": "A greeting",
        "output_format": "json",
        "think_mode": "harder",
        "events_streaming": True,
    }
    task = xpander.post("/v1/agents/sleeper/invoke/async", json=body).json()
    assert task["status"] == "pending"
    assert task["agent_id"] == "sleeper"
    assert task["organization_id"] == "default"
    assert task["input"]["text"] == "hello"
    assert task["title"] == "A greeting"
    assert task["is_manually_stopped"] is False
    assert task["source"] == "api"
    assert task["events_streaming"] is True
    for absent in ("started_at", "paused_at", "finished_at", "result", "hitl_request", "tokens"):
        assert task[absent] is None
    assert task["sub_executions"] == []
    assert task["deep_planning"]["enabled"] is False


def test_what_an_agent_is_asked_is_shown_even_when_its_handler_is_given_something_else(
    xpander: httpx.Client,
) -> None:
    assert xpander.get(f"/v1/tasks/{invoked(xpander)}").json()["input"]["text"] == "count the racks"


def test_x1_stopping_an_executing_task_answers_the_stopped_record(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native)
    assert xpander.get(f"/v1/tasks/{task_id}").json()["status"] == "executing"
    answer = xpander.post(f"/v1/tasks/{task_id}/stop")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    task = answer.json()
    assert task["status"] == "stopped"
    assert task["is_manually_stopped"] is True
    assert task["finished_at"].endswith("Z")
    assert len(task["finished_at"]) == len("2026-05-13T10:12:42.998877Z")
    assert task["result"] is None


@pytest.mark.parametrize(("agent", "word"), [("done", "completed"), ("failing", "failed")])
def test_x2_stopping_a_finished_task_changes_nothing(
    xpander: httpx.Client, native: httpx.Client, agent: str, word: str
) -> None:
    task_id = invoked(xpander, agent)
    until(native, task_id, {"completed": "succeeded", "failed": "failed"}[word])
    before = xpander.get(f"/v1/tasks/{task_id}")
    assert before.json()["status"] == word
    assert before.json()["is_manually_stopped"] is False
    stopped = xpander.post(f"/v1/tasks/{task_id}/stop")
    assert stopped.status_code == 200
    assert stopped.content == before.content


def test_x2_stopping_twice_answers_the_same_bytes(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native)
    first = xpander.post(f"/v1/tasks/{task_id}/stop")
    again = xpander.post(f"/v1/tasks/{task_id}/stop")
    assert again.status_code == 200
    assert again.content == first.content


def test_x3_no_key_or_a_wrong_one_is_401(http: httpx.Client) -> None:
    for headers in ({}, {"x-api-key": "wrong"}, {"authorization": "Basic x"}):
        answer = http.post(f"/v1/tasks/{uuid4()}/stop", headers=headers)
        assert answer.status_code == 401
        assert isinstance(answer.json()["detail"], str)


def test_x3_another_organizations_task_is_403_when_the_service_made_its_id(
    xpander: httpx.Client, native: httpx.Client, http: httpx.Client, stranger: str
) -> None:
    task_id = running(xpander, native)
    theirs = {"x-api-key": stranger}
    for method, path in (("POST", f"/v1/tasks/{task_id}/stop"), ("GET", f"/v1/tasks/{task_id}")):
        answer = http.request(method, path, headers=theirs)
        assert answer.status_code == 403
        assert answer.json() == {"detail": "Task belongs to a different organization"}
    assert native.get(f"/tasks/{task_id}").json()["status"] == "running"


def test_x3_another_organizations_task_is_404_when_its_caller_chose_the_id(
    native: httpx.Client, http: httpx.Client, stranger: str
) -> None:
    chosen = str(uuid4())
    assert native.post("/tasks", json={"id": chosen, "kind": "sleep"}).status_code == 201
    answer = http.post(f"/v1/tasks/{chosen}/stop", headers={"x-api-key": stranger})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Task not found"})


def test_x3_an_unknown_task_is_404(xpander: httpx.Client) -> None:
    answer = xpander.post(f"/v1/tasks/{uuid4()}/stop")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Task not found"})


def test_x4_a_malformed_id_is_422_with_a_list(xpander: httpx.Client) -> None:
    answer = xpander.post("/v1/tasks/not-a-uuid/stop")
    assert answer.status_code == 422
    (place,) = answer.json()["detail"]
    assert place["loc"] == ["path", "task_id"]
    assert isinstance(place["msg"], str)
    assert isinstance(place["type"], str)


def test_a_task_with_an_id_of_its_callers_choice_is_stopped_by_that_id(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    chosen = f"chosen-{uuid4().hex}"
    native.post("/tasks", json={"id": chosen, "kind": "sleep", "payload": {"seconds": 600}})
    stopped = xpander.post(f"/v1/tasks/{chosen}/stop").json()
    assert (stopped["id"], stopped["status"], stopped["agent_id"]) == (chosen, "stopped", "sleep")


def test_x5_and_x6_the_sdks_path_stops_too_and_a_later_get_says_so(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native)
    stopped = xpander.delete(f"/agent-execution/{task_id}")
    assert stopped.status_code == 200
    assert stopped.headers["content-type"] == "application/json"
    assert stopped.json()["status"] == "stopped"
    for path in (f"/v1/tasks/{task_id}", f"/default/agent-execution/{task_id}/status"):
        assert xpander.get(path).content == stopped.content


def test_the_organization_in_a_path_must_be_the_keys(xpander: httpx.Client) -> None:
    answer = xpander.get(f"/strangers/agent-execution/{uuid4()}/status")
    assert answer.status_code == 403


def test_a_stop_that_is_not_confirmed_in_time_says_executing_and_goes_on(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native, "stubborn")
    answer = xpander.post(f"/v1/tasks/{task_id}/stop")
    assert answer.status_code == 200
    assert answer.json()["status"] == "executing"
    assert answer.json()["is_manually_stopped"] is True
    assert answer.json()["finished_at"] is None
    forced(native, task_id)
    assert xpander.get(f"/v1/tasks/{task_id}").json()["status"] == "stopped"


def test_an_agent_may_be_a_command_whose_process_is_stopped(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native, "a command")
    stopped = xpander.post(f"/v1/tasks/{task_id}/stop").json()
    assert (stopped["status"], stopped["agent_id"]) == ("stopped", "a command")
    assert native.get(f"/tasks/{task_id}").json()["evidence"] == "exited"


def test_an_agent_of_another_environment_is_not_run_here(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    there = invoked(xpander, "elsewhere")
    for _ in range(3):  # Later ones are run, and this one still isn't.
        running(xpander, native)
    shown = xpander.get(f"/v1/tasks/{there}").json()
    assert (shown["status"], shown["started_at"]) == ("pending", None)
    assert native.get(f"/tasks/{there}").json()["region"] == "elsewhere"
    assert xpander.post(f"/v1/tasks/{there}/stop").json()["status"] == "stopped"


def test_who_may_only_look_stops_nothing(
    xpander: httpx.Client, native: httpx.Client, http: httpx.Client, auditor: str
) -> None:
    task_id = running(xpander, native)
    refused = http.post(f"/v1/tasks/{task_id}/stop", headers={"x-api-key": auditor})
    assert refused.status_code == 403
    assert http.get(f"/v1/tasks/{task_id}", headers={"x-api-key": auditor}).status_code == 200


def test_a_list_has_pages_a_total_and_filters(xpander: httpx.Client, native: httpx.Client) -> None:
    agent = f"agent-{uuid4().hex}"
    ids = [invoked(xpander, agent, title=f"task {number}") for number in range(3)]
    page = xpander.get("/v1/tasks", params={"agent_id": agent, "per_page": 2, "page": 2}).json()
    assert (page["total"], page["page"], page["per_page"], page["total_pages"]) == (3, 2, 2, 2)
    assert [each["id"] for each in page["items"]] == ids[:1]
    assert page["items"][0]["title"] == "task 0"
    until(native, ids[0])
    xpander.post(f"/v1/tasks/{ids[0]}/stop")
    stopped = xpander.get(f"/v1/agents/{agent}/tasks").json()["items"]
    assert [each["status"] for each in stopped if each["id"] == ids[0]] == ["stopped"]
    only = xpander.get("/v1/tasks", params={"agent_id": agent, "status": "stopped"}).json()
    assert [each["id"] for each in only["items"]] == ids[:1]
    assert xpander.get("/v1/tasks", params={"per_page": 51}).status_code == 422
    history = xpander.get(f"/agent-execution/executions/history/{agent}").json()
    assert {each["id"] for each in history} == set(ids)


def test_a_synchronous_invoke_answers_with_the_end(xpander: httpx.Client) -> None:
    body = {"input": {"text": "now"}}
    task = xpander.post("/v1/agents/done/invoke", json=body).json()
    assert task["status"] == "completed"
    assert json.loads(task["result"]) == {"slept_seconds": 0}
    thread = xpander.get(f"/v1/tasks/{task['id']}/thread").json()
    assert [each["role"] for each in thread] == ["user", "agent"]


def test_a_streaming_invoke_tells_everything_until_a_stop_ends_it(xpander: httpx.Client) -> None:
    body = {"input": {"text": "aloud"}}
    seen = []
    with xpander.stream("POST", "/v1/agents/counting/invoke/stream", json=body) as frames:
        assert frames.headers["content-type"].startswith("text/event-stream")
        for line in frames.iter_lines():
            if not line.startswith("data: "):
                continue
            update = json.loads(line.removeprefix("data: "))
            seen.append(update["type"])
            if update["type"] == "chunk" and seen.count("chunk") == 3:
                stopped = httpx.post(
                    f"{xpander.base_url}/v1/tasks/{update['task_id']}/stop",
                    headers=dict(xpander.headers) | {"content-length": "0"},
                )
                assert stopped.json()["status"] == "stopped"
    assert seen[0] == "task_created"
    assert seen[-1] == "task_finished"


def test_a_task_that_waits_is_paused_and_can_be_stopped(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = invoked(xpander, "asking")
    until(native, task_id, "waiting")
    shown = xpander.get(f"/v1/tasks/{task_id}").json()
    assert (shown["status"], shown["hitl_request"]) == ("paused", {"wait_node_id": "wait-1"})
    assert xpander.post(f"/v1/tasks/{task_id}/stop").json()["status"] == "stopped"


def test_deleting_stops_first_and_the_record_stays(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native)
    answer = xpander.delete(f"/v1/tasks/{task_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert xpander.get(f"/v1/tasks/{task_id}").json()["status"] == "stopped"
    stubborn = running(xpander, native, "stubborn")
    assert xpander.delete(f"/v1/tasks/{stubborn}").status_code == 202
    forced(native, stubborn)


def test_a_client_may_save_what_is_so_and_nothing_else(
    xpander: httpx.Client, native: httpx.Client
) -> None:
    task_id = running(xpander, native)
    shown = xpander.get(f"/v1/tasks/{task_id}").json()
    path = f"/agent-execution/{task_id}/update"
    assert xpander.patch(path, json=shown).json() == shown
    assert xpander.patch(path, json={"status": "completed"}).status_code == 409
    assert xpander.patch(path, json={"status": "stopped"}).json()["status"] == "stopped"


def test_what_xpander_does_not_have_is_its_own_404_and_405(xpander: httpx.Client) -> None:
    nowhere = xpander.get(f"/v1/tasks/{uuid4()}/nowhere")
    assert (nowhere.status_code, nowhere.json()) == (404, {"detail": "Not Found"})
    wrong = xpander.put(f"/v1/tasks/{uuid4()}")
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
    assert wrong.headers["allow"]
