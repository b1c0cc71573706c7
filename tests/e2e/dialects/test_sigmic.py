"""Sigmic's tasks over real HTTP: the checklist of its documentation, item by item."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.e2e.dialects.trying import WIDGET_SECRET, forced, new_key, until
from tests.e2e.running import Running

TASKS = "/api/v1/tasks"


@pytest.fixture
def sigmic(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


@pytest.fixture(scope="module")
def keys(service: Running) -> dict[str, str]:
    """Keys of projects whose tasks go differently."""
    return {
        name: new_key(service, "default", "admin", name)
        for name in ("done", "failing", "stubborn", "quiet")
    }


def created(sigmic: httpx.Client, **fields: Any) -> str:
    files = {name: (None, value) for name, value in {"message": "count", **fields}.items()}
    answer = sigmic.post(TASKS, files=files)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


def data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["success"] is True
    return document["data"]


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert document["success"] is False
    assert set(document["error"]) == {"message", "code"}
    assert document["error"]["code"] == code


def frames_of(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """As the sample clients read them: by position."""
    frame: list[str] = []
    for line in lines:
        if line:
            frame.append(line)
            continue
        if frame and not frame[0].startswith(":"):
            assert frame[0].startswith("event: ")
            assert frame[1].startswith("data: ")
            assert len(frame) == 2
            yield frame[0][7:], json.loads(frame[1][6:])
        frame = []


def test_s1_a_form_makes_a_pending_task(sigmic: httpx.Client) -> None:
    answer = sigmic.post(TASKS, files={"message": (None, "what is 2+2?")})
    shown = data(answer)
    assert UUID(shown["id"])
    assert shown["status"] == "pending"


def test_json_makes_one_too_with_variables_and_secrets_that_nobody_reads(
    sigmic: httpx.Client, native: httpx.Client
) -> None:
    body = {"message": "go", "env": {"TENANT": "7"}, "secrets": {"TOKEN": "very-secret-words"}}
    task_id = data(sigmic.post(TASKS, json=body))["id"]
    shown = sigmic.get(f"{TASKS}/{task_id}")
    assert "very-secret-words" not in shown.text
    assert "very-secret-words" not in native.get(f"/tasks/{task_id}/history").text
    sigmic.delete(f"{TASKS}/{task_id}")


def test_s2_and_s3_a_cancelled_task_says_so_with_no_error(
    sigmic: httpx.Client, native: httpx.Client
) -> None:
    task_id = created(sigmic)
    until(native, task_id)
    answer = sigmic.delete(f"{TASKS}/{task_id}")
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "data": {"message": "Task cancelled"}}
    shown = data(sigmic.get(f"{TASKS}/{task_id}"))
    assert shown["status"] == "cancelled"
    assert shown["error"] is None
    assert len(shown["completedAt"]) == len("2026-01-26T16:00:00.000Z")
    assert shown["completedAt"].endswith("Z")
    assert "output" not in shown


def test_a_task_has_every_documented_field(sigmic: httpx.Client) -> None:
    task_id = created(sigmic, systemPrompt="be brief", showInHistory="true")
    shown = data(sigmic.get(f"{TASKS}/{task_id}"))
    assert list(shown)[:17] == [
        "id", "apiKeyId", "username", "sessionId", "conversationId", "status", "message",
        "systemPrompt", "showInHistory", "autoExecute", "env", "error", "createdAt", "startedAt",
        "completedAt",
    ]  # fmt: skip
    assert shown["message"] == "count"
    assert shown["env"] is None
    sigmic.delete(f"{TASKS}/{task_id}")


def test_s4_and_s7_an_open_stream_ends_with_the_cancel_and_without_done(
    sigmic: httpx.Client,
) -> None:
    task_id = created(sigmic)
    seen = []
    with sigmic.stream("GET", f"{TASKS}/{task_id}/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for event, content in frames_of(stream.iter_lines()):
            seen.append(event)
            if event == "history_message":
                assert content["role"] == "user"
                assert content["content"] == "count"
            if event == "history_done":
                assert content == {"messageCount": 1, "isStreaming": True}
            if event == "content" and seen.count("content") == 2:
                assert content["isPartial"] is True
                assert httpx.delete(f"{sigmic.base_url}{TASKS}/{task_id}", headers=sigmic.headers)
    assert seen[:3] == ["history_message", "history_done", "status"]
    assert "done" not in seen
    assert "error" not in seen


def read_by_position(stream: str) -> list[str]:
    """The events of a stream as the documented client reads it, without any guard."""
    events = []
    for frame in stream.split("\n\n"):
        if not frame or frame.startswith(":"):
            continue
        lines = frame.split("\n")
        events.append(lines[0].replace("event: ", ""))
        json.loads(lines[1].replace("data: ", ""))
    return events


def test_s8_heartbeats_are_frames_of_their_own_that_a_client_by_position_ignores(
    sigmic: httpx.Client, keys: dict[str, str]
) -> None:
    sigmic.headers["authorization"] = f"Bearer {keys['quiet']}"
    task_id = created(sigmic)
    heard = ""
    with sigmic.stream("GET", f"{TASKS}/{task_id}/stream") as stream:
        for piece in stream.iter_text():
            heard += piece
            if heard.count("\n\n:heartbeat\n\n") == 2:
                break
    assert read_by_position(heard)[:3] == ["history_message", "history_done", "status"]
    assert ":heartbeat" not in "".join(read_by_position(heard))
    # Who comes back hears everything again; who left has cancelled nothing.
    assert data(sigmic.get(f"{TASKS}/{task_id}"))["status"] in ("pending", "running")
    with sigmic.stream("GET", f"{TASKS}/{task_id}/stream") as stream:
        again = next(frame for frame in stream.iter_text() if frame)
    assert read_by_position(again)[0] == "history_message"
    sigmic.delete(f"{TASKS}/{task_id}")


def test_the_stream_of_a_task_at_rest_is_its_history(
    sigmic: httpx.Client, native: httpx.Client, keys: dict[str, str]
) -> None:
    sigmic.headers["authorization"] = f"Bearer {keys['done']}"
    task_id = created(sigmic)
    until(native, task_id, "succeeded")
    with sigmic.stream("GET", f"{TASKS}/{task_id}/stream") as stream:
        seen = list(frames_of(stream.iter_lines()))
    assert [event for event, _ in seen] == ["history_message", "history_message", "history_done"]
    assert seen[-1][1] == {"messageCount": 2, "isStreaming": False}
    shown = data(sigmic.get(f"{TASKS}/{task_id}"))
    assert json.loads(shown["output"]["content"]) == {"slept_seconds": 0}


def test_s5_a_cancelled_task_takes_no_message_and_an_ended_one_goes_on(
    sigmic: httpx.Client, native: httpx.Client, keys: dict[str, str]
) -> None:
    task_id = created(sigmic)
    until(native, task_id)
    running = sigmic.post(f"{TASKS}/{task_id}/messages", json={"message": "and?"})
    refused(running, 409, "VALIDATION_ERROR")
    sigmic.delete(f"{TASKS}/{task_id}")
    cancelled = sigmic.post(f"{TASKS}/{task_id}/messages", json={"message": "and?"})
    refused(cancelled, 409, "VALIDATION_ERROR")

    sigmic.headers["authorization"] = f"Bearer {keys['failing']}"
    failed = created(sigmic)
    until(native, failed, "failed")
    assert data(sigmic.get(f"{TASKS}/{failed}"))["error"] == "Failed: it was meant to fail"
    sigmic.headers["authorization"] = f"Bearer {keys['done']}"
    again = sigmic.post(f"{TASKS}/{failed}/messages", json={"message": "once more"})
    assert data(again) == {"status": "running"}
    until(native, f"{failed}-2", "succeeded")
    history = data(sigmic.get(f"{TASKS}/{failed}/history"))
    assert [each["role"] for each in history["messages"]] == ["user", "user", "assistant"]
    assert history["status"] == "completed"


def test_a_conversation_in_capitals_is_the_same_one(
    sigmic: httpx.Client, native: httpx.Client, keys: dict[str, str]
) -> None:
    sigmic.headers["authorization"] = f"Bearer {keys['done']}"
    task_id = created(sigmic)
    until(native, task_id, "succeeded")
    sigmic.headers["authorization"] = f"Bearer {keys['stubborn']}"
    sigmic.post(f"{TASKS}/{task_id}/messages", json={"message": "and?"})
    until(native, f"{task_id}-2")
    assert data(sigmic.get(f"{TASKS}/{task_id.upper()}"))["status"] == "running"
    answer = sigmic.delete(f"{TASKS}/{task_id.upper()}")
    forced(native, f"{task_id}-2")
    assert (answer.status_code, answer.json()["data"]["message"]) == (202, "Cancellation requested")


def test_s6_errors_have_the_envelope_and_the_documented_codes(
    sigmic: httpx.Client, http: httpx.Client, stranger: str, native: httpx.Client
) -> None:
    refused(sigmic.delete(f"{TASKS}/{uuid4()}"), 404, "NOT_FOUND")
    refused(sigmic.get(f"{TASKS}/nonsense"), 404, "NOT_FOUND")
    refused(sigmic.post(TASKS, json={}), 400, "VALIDATION_ERROR")
    refused(sigmic.post(TASKS, files={"other": (None, "x")}), 400, "VALIDATION_ERROR")
    refused(sigmic.post(TASKS, content=b"\xff"), 400, "VALIDATION_ERROR")
    refused(sigmic.get(f"{TASKS}?limit=101"), 400, "VALIDATION_ERROR")
    task_id = created(sigmic)
    del http.headers["authorization"]
    for headers, code in (
        ({}, "AUTH_REQUIRED"),
        ({"authorization": "Basic x"}, "INVALID_AUTH_FORMAT"),
        ({"authorization": f"Bearer sigmic_{'0' * 64}"}, "INVALID_API_KEY"),
        ({"x-api-key": f"sigmic_{'0' * 64}"}, "INVALID_API_KEY"),
        ({"authorization": "Bearer eyJx.eyJy.z"}, "INVALID_TOKEN"),
    ):
        refused(http.delete(f"{TASKS}/{task_id}", headers=headers), 401, code)
    theirs = http.delete(f"{TASKS}/{task_id}", headers={"x-api-key": stranger})
    refused(theirs, 404, "NOT_FOUND")
    assert native.get(f"/tasks/{task_id}").json()["cancel"] is None
    native.post(f"/tasks/{task_id}/cancel")


def test_cancelling_what_has_ended_changes_nothing(
    sigmic: httpx.Client, native: httpx.Client, keys: dict[str, str]
) -> None:
    sigmic.headers["authorization"] = f"Bearer {keys['done']}"
    task_id = created(sigmic)
    until(native, task_id, "succeeded")
    before = sigmic.get(f"{TASKS}/{task_id}").content
    for _ in range(2):
        assert data(sigmic.delete(f"{TASKS}/{task_id}")) == {"message": "Task cancelled"}
    assert sigmic.get(f"{TASKS}/{task_id}").content == before


def test_a_cancel_that_is_not_confirmed_in_time_is_only_requested(
    sigmic: httpx.Client, native: httpx.Client, keys: dict[str, str]
) -> None:
    sigmic.headers["authorization"] = f"Bearer {keys['stubborn']}"
    task_id = created(sigmic)
    until(native, task_id)
    for _ in range(2):
        answer = sigmic.delete(f"{TASKS}/{task_id}")
        assert answer.status_code == 202
        assert answer.json() == {"success": True, "data": {"message": "Cancellation requested"}}
        assert data(sigmic.get(f"{TASKS}/{task_id}"))["status"] == "running"
    forced(native, task_id)
    assert data(sigmic.get(f"{TASKS}/{task_id}"))["status"] == "cancelled"


def test_a_tool_call_waits_for_its_approval(sigmic: httpx.Client, native: httpx.Client) -> None:
    task_id = created(sigmic, autoExecute="false")
    until(native, task_id, "waiting")
    shown = data(sigmic.get(f"{TASKS}/{task_id}"))
    assert shown["status"] == "awaiting_approval"
    (call,) = shown["pendingApprovals"]
    assert call == {"callId": "wait-1", "toolName": "may I?", "args": {}}
    path = f"{TASKS}/{task_id}/tools"
    refused(
        sigmic.post(f"{path}/wait-9/approve", json={"outcome": "proceed_once"}), 404, "NOT_FOUND"
    )
    refused(sigmic.post(f"{path}/wait-1/approve", json={"outcome": "x"}), 400, "VALIDATION_ERROR")
    approved = sigmic.post(f"{path}/wait-1/approve", json={"outcome": "proceed_once"})
    assert data(approved) == {"approved": True}
    until(native, task_id, "succeeded")


def test_a_list_has_the_last_active_first_and_says_whether_there_is_more(
    sigmic: httpx.Client,
) -> None:
    first, second = created(sigmic), created(sigmic)
    hidden = created(sigmic, showInHistory="false")
    sigmic.delete(f"{TASKS}/{first}")
    answer = sigmic.get(TASKS, params={"limit": 2})
    ids = [each["id"] for each in answer.json()["data"]]
    assert first in ids
    assert hidden not in ids
    assert {"lastActivityAt", "messageCount"} <= set(answer.json()["data"][0])
    span = answer.json()["pagination"]
    assert (span["limit"], span["offset"], span["hasMore"]) == (2, 0, span["total"] > 2)
    for each in (second, hidden):
        sigmic.delete(f"{TASKS}/{each}")


def test_files_go_to_the_task_up_to_a_limit(sigmic: httpx.Client, native: httpx.Client) -> None:
    body = {"files": ("notes.txt", b"some notes", "text/plain")}
    task_id = data(sigmic.post(TASKS, data={"message": "read"}, files=body))["id"]
    assert data(sigmic.get(f"{TASKS}/{task_id}"))["message"] == "read"
    sigmic.delete(f"{TASKS}/{task_id}")
    large = {"files": ("large.bin", b"x" * 400_000)}
    refused(sigmic.post(TASKS, data={"message": "read"}, files=large), 413, "VALIDATION_ERROR")


def token_request(**more: Any) -> dict[str, Any]:
    return {"appId": "app", "appSecret": WIDGET_SECRET, "endUserId": "ann", **more}


def test_a_widgets_user_sees_and_cancels_their_own_tasks_only(
    service: Running, sigmic: httpx.Client, http: httpx.Client
) -> None:
    token = "/api/v1/auth/token"
    of_key = created(sigmic)
    sigmic.headers["authorization"] = f"Bearer {new_key(service, 'default', 'admin', 'ann')}"
    of_namesake = created(sigmic)
    del http.headers["authorization"]
    answer = http.post(token, json=token_request(expiresIn="30m"))
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expiresAt"}
    bearer = {"authorization": f"Bearer {answer.json()['token']}"}
    refused(http.get(TASKS, headers=bearer), 403, "ORIGIN_NOT_ALLOWED")
    ann = bearer | {"origin": "https://shop.example"}
    task_id = data(http.post(TASKS, json={"message": "hi"}, headers=ann))["id"]
    assert [each["id"] for each in data(http.get(TASKS, headers=ann))] == [task_id]
    for other in (of_key, of_namesake):
        refused(http.delete(f"{TASKS}/{other}", headers=ann), 404, "NOT_FOUND")
        refused(http.get(f"{TASKS}/{other}/stream", headers=ann), 404, "NOT_FOUND")
    assert data(http.delete(f"{TASKS}/{task_id}", headers=ann)) == {"message": "Task cancelled"}


def test_a_browser_lets_a_widgets_page_call_and_no_other(
    sigmic: httpx.Client, service: Running
) -> None:
    asks = {
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "authorization,content-type",
    }
    allowed = "access-control-allow-origin"
    shop = {"origin": "https://shop.example"}
    path = f"{TASKS}/{uuid4()}"
    before = sigmic.options(path, headers=shop | asks)
    assert before.status_code == 200
    assert before.headers[allowed] == "https://shop.example"
    assert "DELETE" in before.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in before.headers
    answer = sigmic.delete(path, headers=shop)
    refused(answer, 404, "NOT_FOUND")
    assert answer.headers[allowed] == "https://shop.example"
    other = {"origin": "https://elsewhere.example"}
    assert sigmic.options(path, headers=other | asks).status_code == 400
    assert allowed not in sigmic.delete(path, headers=other).headers
    elsewhere = sigmic.options(f"/v1/tasks/{uuid4()}/stop", headers=shop | asks)
    assert allowed not in elsewhere.headers


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"appSecret": None}, 400, "MISSING_CREDENTIALS"),
        ({"endUserId": ""}, 400, "MISSING_END_USER_ID"),
        ({"expiresIn": "soon"}, 400, "INVALID_EXPIRES_IN"),
        ({"expiresIn": "999999d"}, 400, "INVALID_EXPIRES_IN"),
        ({"env": {"A": "b"}}, 400, "INVALID_ENV"),
        ({"appSecret": "wrong"}, 401, "INVALID_CREDENTIALS"),
        ({"appId": "other"}, 401, "INVALID_CREDENTIALS"),
    ],
)
def test_a_wrong_request_for_a_token_gets_its_code(
    http: httpx.Client, wrong: dict[str, Any], status: int, code: str
) -> None:
    refused(http.post("/api/v1/auth/token", json=token_request(**wrong)), status, code)
