"""Clients that are clumsy or mean: each dialect keeps to its words, and nothing is half done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.dialects.trying import RACKS, SITE, until
from tests.e2e.running import Running

NICO = "/v2/org/default/nico"
HERE = {"siteId": SITE}
CREATORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "xpander": ("POST", "/v1/agents/sleeper/invoke/async", {"input": {"text": "x"}}),
    "xpander's SDK": ("POST", "/agent-execution/sleeper", {"input": {"text": "x"}}),
    "sigmic": ("POST", "/api/v1/tasks", {"message": "x"}),
    "crm": ("POST", "/api/ai/agent", {"taskType": "x", "agent": "analytics", "input": {}}),
    "nico": ("PATCH", f"{NICO}/rack/power", {**HERE, "state": "on"}),
    "deep work": ("POST", "/api/deep-work/start", {"description": "a goal that takes long"}),
}
CANCELS: dict[str, tuple[str, str]] = {
    "xpander": ("POST", "/v1/tasks/{}/stop"),
    "xpander's SDK": ("DELETE", "/agent-execution/{}"),
    "sigmic": ("DELETE", "/api/v1/tasks/{}"),
    "crm": ("DELETE", "/api/ai/agent/{}"),
    "nico": ("POST", f"{NICO}/task/{{}}/cancel"),
}


@pytest.fixture
def anybody(service: Running, http: httpx.Client) -> httpx.Client:
    http.headers["authorization"] = f"Bearer {service.key}"
    return http


def in_its_words(dialect: str, answer: httpx.Response) -> bool:
    """Whether a refusal has the shape that the system's own have."""
    document = answer.json()
    return {
        "xpander": lambda: set(document) == {"detail"},
        "xpander's SDK": lambda: set(document) == {"detail"},
        "sigmic": lambda: (
            document["success"] is False and set(document["error"]) == {"message", "code"}
        ),
        "crm": lambda: set(document) in ({"error"}, {"error", "code"}),
        "nico": lambda: set(document) == {"source", "message", "data"},
        "deep work": lambda: set(document) == {"detail"},
    }[dialect]()


def sleeping(native: httpx.Client) -> str:
    body = {"kind": "sleep", "payload": {"seconds": 600}}
    task_id = str(native.post("/tasks", json=body).json()["id"])
    until(native, task_id)
    return task_id


def ids_of(dialect: str, answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    document = answer.json()
    find: dict[str, Callable[[], Any]] = {
        "sigmic": lambda: document["data"]["id"],
        "crm": lambda: document["taskId"],
        "nico": lambda: document["taskIds"],
        "deep work": lambda: document["project"]["id"],
    }
    return find.get(dialect, lambda: document["id"])()


@pytest.mark.parametrize("dialect", CREATORS)
def test_a_key_makes_a_thing_once_and_refuses_another_body(
    anybody: httpx.Client, dialect: str
) -> None:
    method, path, body = CREATORS[dialect]
    key = {"idempotency-key": f"{dialect} {uuid4()}"}
    first = anybody.request(method, path, json=body, headers=key)
    again = anybody.request(method, path, json=body, headers=key)
    assert again.content == first.content
    assert again.headers["countermand-repeated"] == "true"
    other = anybody.request(method, path, json={**body, "other": "body"}, headers=key)
    assert other.status_code == 409
    assert in_its_words(dialect, other)
    fresh = anybody.request(method, path, json=body)
    assert ids_of(dialect, fresh) != ids_of(dialect, first)


def test_a_form_under_a_key_is_the_same_whatever_its_boundary(anybody: httpx.Client) -> None:
    key = {"idempotency-key": str(uuid4())}
    fields, files = {"message": "x"}, {"files": ("a.txt", b"a")}
    first, again = (
        anybody.post("/api/v1/tasks", data=fields, files=files, headers=key) for _ in range(2)
    )
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert again.content == first.content
    other = anybody.post("/api/v1/tasks", files={"message": (None, "y")}, headers=key)
    assert other.status_code == 409


def test_a_message_under_a_key_is_said_once(anybody: httpx.Client, native: httpx.Client) -> None:
    done = {"kind": "sleep", "payload": {"seconds": 0}}
    task_id = native.post("/tasks", json=done).json()["id"]
    until(native, task_id, "succeeded")
    key = {"idempotency-key": str(uuid4())}
    path = f"/api/v1/tasks/{task_id}/messages"
    first, again = (anybody.post(path, json={"message": "and?"}, headers=key) for _ in range(2))
    assert again.content == first.content
    assert native.get(f"/tasks/{task_id}-3").status_code == 404
    anybody.delete(f"/api/v1/tasks/{task_id}")


def test_a_stream_under_a_key_is_of_one_task(anybody: httpx.Client) -> None:
    key = {"idempotency-key": str(uuid4())}
    body = {"input": {"text": "aloud"}}
    path = "/v1/agents/done/invoke/stream"
    told = [anybody.post(path, json=body, headers=key).text for _ in range(2)]
    ids = [text.partition('"task_id":"')[2][:36] for text in told]
    assert ids[0] == ids[1]
    assert all("task_finished" in text for text in told)
    other = anybody.post(path, json={"input": {"text": "other"}}, headers=key)
    assert (other.status_code, set(other.json())) == (409, {"detail"})


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"hello",
    "cut off": b'{"a":',
    "no object": b"[]",
    "null": b"null",
    "deep": b"[" * 50_000 + b"]" * 50_000,
    "no UTF-8": b'{"a": "\xff"}',
    "no number": b'{"input": {"text": "x", "a": NaN}, "message": "x", "taskType": "x", '
    b'"agent": "order", "description": "a goal that takes long", "goal_analysis": {"a": NaN}, '
    b'"extra": NaN, "env": {"A": NaN}, "siteId": "%s", "state": "on"}' % SITE.encode(),
    "too large": b'{"a": "' + b"x" * 20_000_000 + b'"}',
}


@pytest.mark.parametrize("wrong", BODIES)
@pytest.mark.parametrize("dialect", CREATORS)
def test_a_body_that_makes_no_sense_is_refused_in_its_words(
    anybody: httpx.Client, dialect: str, wrong: str
) -> None:
    method, path, _ = CREATORS[dialect]
    for headers in ({"content-type": "application/json"}, {}):
        answer = anybody.request(method, path, content=BODIES[wrong], headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert in_its_words(dialect, answer)


LONG = "x" * 5000
WRONG_IDS = {
    "xpander": (422, {"detail"}),
    "xpander's SDK": (422, {"detail"}),
    "sigmic": (404, {"success", "error"}),
    "crm": (404, {"error"}),
    "nico": (400, {"source", "message", "data"}),
}


@pytest.mark.parametrize("id", [LONG, "a%00b", "%FF%FE", "%20", "a.b", "..", "urn:uuid:1", "{0}"])
@pytest.mark.parametrize("dialect", CANCELS)
def test_an_id_that_is_none_is_refused_as_a_malformed_one(
    anybody: httpx.Client, dialect: str, id: str
) -> None:
    method, path = CANCELS[dialect]
    if id == "..":  # A client takes it for the folder above.
        id = "%2e%2e"
    answer = anybody.request(method, path.format(id), json=HERE if dialect == "nico" else None)
    status, members = WRONG_IDS[dialect]
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == members


@pytest.mark.parametrize("dialect", CANCELS)
def test_a_uuid_in_capitals_is_the_same_one(
    anybody: httpx.Client, native: httpx.Client, dialect: str
) -> None:
    task_id = sleeping(native)
    method, path = CANCELS[dialect]
    body = HERE if dialect == "nico" else None
    answer = anybody.request(method, path.format(task_id.upper()), json=body)
    assert answer.is_success, answer.text
    assert native.get(f"/tasks/{task_id}").json()["status"] == "cancelled"


def test_a_projects_and_its_tasks_ids_in_capitals_are_the_same_ones(anybody: httpx.Client) -> None:
    body = {"description": "a goal in capitals"}
    project = anybody.post("/api/deep-work/start", json=body).json()["project"]
    path = f"/api/deep-work/projects/{project['id'].upper()}"
    planned = anybody.get(f"{path}/plan").json()["project"]
    assert planned["id"] == project["id"]
    assert anybody.post(f"{path}/approve").json()["project"]["status"] == "executing"
    last = planned["task_ids"][-1]
    skipped = anybody.post(f"{path}/tasks/{last.upper()}/skip").json()
    assert (skipped["task"]["id"], skipped["task"]["status"]) == (last, "skipped")
    assert anybody.post(f"{path}/cancel").json()["project"]["status"] == "cancelled"


def test_cancels_through_all_dialects_at_once_are_one_cancel(
    anybody: httpx.Client, native: httpx.Client
) -> None:
    task_id = sleeping(native)

    def cancelled(dialect: str) -> tuple[str, int]:
        method, path = CANCELS[dialect]
        body = HERE if dialect == "nico" else None
        return dialect, anybody.request(method, path.format(task_id), json=body).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(cancelled, list(CANCELS) * 4))
    for dialect, status in answers:
        allowed = {"nico": (202,), "crm": (200, 409)}.get(dialect, (200,))
        assert status in allowed, (dialect, status)
    lines = native.get(f"/tasks/{task_id}/history").json()["items"]
    effective = [
        line["event"]["type"]
        for line in lines
        if line["verdict"] == "effective" and "cancel" in line["event"]["type"]
    ]
    assert effective == ["countermand.cancel.requested.v1", "countermand.task.cancelled.v1"]


def test_a_project_is_cancelled_once_by_many_at_once(anybody: httpx.Client) -> None:
    started = anybody.post("/api/deep-work/start", json={"description": "a goal for many"}).json()
    path = f"/api/deep-work/projects/{started['project']['id']}/cancel"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: anybody.post(path), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 400}
    assert 200 in {answer.status_code for answer in answers}
    for answer in answers:
        if answer.status_code == 400:
            detail = "Cannot cancel project with status 'cancelled'"
            assert answer.json() == {"detail": detail}


AUTHORIZATIONS: dict[str, dict[str, str | bytes]] = {
    "nothing": {},
    "no token": {"authorization": "Bearer"},
    "another scheme": {"authorization": "Basic dXNlcjpwYXNz"},
    "no scheme": {"authorization": "cm_wrong"},
    "too long": {"authorization": "Bearer " + "x" * 9000},
    "no ASCII": {"authorization": b"Bearer \xff\xfe"},
    "nothing signed": {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."},
    "an empty key": {"x-api-key": ""},
    "wrong cookies": {"cookie": "countermand-session=x; pocketpaw_session=y"},
}


@pytest.mark.parametrize("form", AUTHORIZATIONS)
@pytest.mark.parametrize("dialect", [*CANCELS, "deep work"])
def test_a_credential_in_the_wrong_form_is_401_in_its_words(
    http: httpx.Client, dialect: str, form: str
) -> None:
    method, path = CANCELS.get(dialect, ("POST", "/api/deep-work/projects/{}/cancel"))
    headers = AUTHORIZATIONS[form]
    answer = http.request(method, path.format(uuid4()), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401, answer.text
    assert in_its_words(dialect, answer)


def test_json_is_taken_from_clients_that_dont_say_that_it_is(anybody: httpx.Client) -> None:
    for dialect, (method, path, body) in CREATORS.items():
        content = httpx.Request(method, anybody.base_url, json=body).content
        answer = anybody.request(method, path, content=content)
        assert ids_of(dialect, answer)


def test_pages_beyond_the_end_are_empty(anybody: httpx.Client) -> None:
    xpander = anybody.get("/v1/tasks?page=1000000&per_page=50").json()
    sigmic = anybody.get("/api/v1/tasks?offset=1000000").json()
    nico = anybody.get(f"{NICO}/task?siteId={SITE}&pageNumber=1000000&pageSize=100").json()
    assert (xpander["items"], sigmic["data"], nico) == ([], [], [])


def test_what_the_crm_says_of_no_id_and_a_wrong_method(anybody: httpx.Client) -> None:
    missing = anybody.get("/api/ai/agent//status")
    assert missing.status_code == 400
    assert missing.json() == {"error": "Missing taskId", "code": "MISSING_ID"}
    wrong = anybody.put(f"/api/ai/agent/{uuid4()}")
    assert wrong.status_code == 405
    assert wrong.json() == {"error": "Method Not Allowed", "code": "METHOD_NOT_ALLOWED"}
    body = {"taskType": "x" * 1001, "agent": "order", "input": {}}
    assert anybody.post("/api/ai/agent", json=body).json()["code"] == "VALIDATION_ERROR"


def test_racks_are_powered_once_each(anybody: httpx.Client) -> None:
    body = {**HERE, "state": "on", "filter": {"names": [*RACKS, *RACKS]}}
    answer = anybody.patch(f"{NICO}/rack/power", json=body)
    assert len(answer.json()["taskIds"]) == len(RACKS)
