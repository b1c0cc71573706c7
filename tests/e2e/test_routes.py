"""Every route of the native API over real HTTP: what it does, and each way in which it refuses."""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.operations.dependencies import LOOKED_AT
from tests.e2e.running import Running, until_running

PROBLEM = "application/problem+json"
LATER = "2099-01-01T00:00:00Z"


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


@pytest.fixture(scope="module")
def stranger(service: Running) -> Iterator[httpx.Client]:
    """Somebody of another organization."""
    with service.http(service.new_key("strangers", "admin")) as client:
        yield client


@pytest.fixture(scope="module")
def auditor(service: Running) -> Iterator[httpx.Client]:
    with service.http(service.new_key("default", "auditor", "--user", "ann")) as client:
        yield client


def submitted(http: httpx.Client, kind: str = "sleep", **more: Any) -> str:
    body = {"kind": kind, "payload": {"seconds": 600}, **more}
    answer = http.post("/tasks", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def waiting(http: httpx.Client, **more: Any) -> str:
    """A task that nobody claims for now."""
    return submitted(http, not_before=LATER, **more)


def refused(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"] == f"urn:countermand:problem:{name}"
    assert document["title"]
    assert document["detail"]
    return document


# ----------------------------------------------------------------------------------------- tasks


def test_a_task_has_the_id_that_its_caller_chose_and_nobody_else_gets_it(
    http: httpx.Client,
) -> None:
    task_id = f"chosen-{uuid4().hex}"
    assert waiting(http, id=task_id) == task_id
    again = http.post("/tasks", json={"id": task_id, "kind": "sleep"})
    assert refused(again, 409, "conflict")["reason"] == "id_taken"


def test_a_thousand_tasks_at_once_are_taken_each_with_its_verdict(http: httpx.Client) -> None:
    tasks: list[dict[str, Any]] = [
        {"kind": "sleep", "not_before": LATER, "labels": {"n": str(n)}} for n in range(1000)
    ]
    tasks[7]["id"] = tasks[8]["id"] = f"twice-{uuid4().hex}"
    answer = http.post("/tasks", json={"tasks": tasks})
    assert answer.status_code == 201
    verdicts = [each["verdict"] for each in answer.json()["items"]]
    assert verdicts.count("effective") == 999
    assert answer.json()["items"][8]["reason"] == "id_taken"


def test_more_than_a_thousand_are_refused(http: httpx.Client) -> None:
    answer = http.post("/tasks", json={"tasks": [{"kind": "x"}] * 1001})
    refused(answer, 413, "too-large")


def test_a_body_beyond_the_limit_is_refused_unread(http: httpx.Client) -> None:
    refused(http.post("/tasks", content=b"x" * 10_000_001), 413, "too-large")

    def pieces() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 1_000_000

    refused(http.post("/tasks", content=pieces()), 413, "too-large")


def test_an_event_beyond_the_log_s_limit_is_refused(http: httpx.Client) -> None:
    refused(
        http.post("/tasks", json={"kind": "x", "payload": {"x": "y" * 1_500_000}}), 413, "too-large"
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"kind": ""}, id="empty_kind"),
        pytest.param({"kind": "x", "id": "a b"}, id="id_with_a_space"),
        pytest.param({"kind": "x", "id": "a.b"}, id="below_nothing"),
        pytest.param({"kind": "x", "surprise": 1}, id="unknown_field"),
        pytest.param({"kind": "x", "grace_seconds": -1}, id="negative_grace"),
        pytest.param({"kind": "x", "deadline": "2026-01-01T00:00:00"}, id="no_time_zone"),
        pytest.param({"kind": "x", "project": "p", "parent": "q"}, id="two_above"),
        pytest.param([], id="a_list"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(http: httpx.Client, body: Any) -> None:
    assert refused(http.post("/tasks", json=body), 422, "invalid")["errors"]


def test_what_is_sent_is_never_told_back_in_a_problem(http: httpx.Client) -> None:
    answer = http.post(
        "/tasks", json={"kind": "x", "payload": "s3cret", "labels": {"a": ["s3cret"]}}
    )
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


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


def test_a_failed_task_is_retried_and_only_a_failed_one(http: httpx.Client) -> None:
    task_id = submitted(http, "fail", payload={"message": "as told"})
    until_running(http, task_id, "failed")
    assert http.get(f"/tasks/{task_id}").json()["error"]
    retried = http.post(f"/tasks/{task_id}/retry", json={"reason": "once more"})
    assert retried.status_code == 200, retried.text
    assert retried.json()["attempt"] == 2
    pending = waiting(http)
    assert refused(http.post(f"/tasks/{pending}/retry"), 409, "conflict")["reason"] == "not_failed"


def test_nothing_is_approved_that_does_not_wait(http: httpx.Client) -> None:
    task_id = waiting(http)
    assert (
        refused(http.post(f"/tasks/{task_id}/approve"), 409, "conflict")["reason"] == "not_waiting"
    )


def test_an_unknown_id_is_404_on_every_route(http: httpx.Client) -> None:
    for path in ("", "/receipt", "/history", "/stream"):
        refused(http.get(f"/tasks/no-such-task{path}"), 404, "not-found")
    for path in ("/cancel", "/approve", "/retry", "/skip"):
        refused(http.post(f"/tasks/no-such-task{path}"), 404, "not-found")
    for path in ("", "/receipt", "/history", "/stream"):
        refused(http.get(f"/projects/no-such-project{path}"), 404, "not-found")
    for path in ("/cancel", "/plan", "/approve", "/pause", "/resume"):
        refused(http.post(f"/projects/no-such-project{path}"), 404, "not-found")


# --------------------------------------------------------------------------------------- cancels


def test_a_task_that_never_ran_is_cancelled_at_once(http: httpx.Client) -> None:
    task_id = waiting(http)
    receipt = http.post(f"/tasks/{task_id}/cancel").json()
    assert (receipt["verdict"], receipt["evidence"]) == ("effective", "never_started")
    assert receipt["stopped_at"] == receipt["requested_at"]


def test_a_second_cancel_is_void_and_says_by_how_much_it_was_late(http: httpx.Client) -> None:
    task_id = waiting(http)
    http.post(f"/tasks/{task_id}/cancel")
    late = refused(http.post(f"/tasks/{task_id}/cancel"), 409, "conflict")
    assert late["reason"] == "already_finished"
    assert late["receipt"]["verdict"] == "void"
    assert late["receipt"]["late_seconds"] > 0
    events = http.get(f"/tasks/{task_id}/history").json()["items"]
    assert late["receipt"]["event_id"] in {line["event"]["id"] for line in events}


def test_a_stubborn_run_is_answered_202_and_its_receipt_tells_the_rest(http: httpx.Client) -> None:
    task_id = submitted(http, "stubborn", payload={"seconds": 600}, grace_seconds=1)
    until_running(http, task_id)
    began = time.monotonic()
    asked = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "respond-async"})
    assert asked.status_code == 202, asked.text
    assert time.monotonic() - began < 1
    assert asked.json()["verdict"] == "effective"
    assert asked.json()["stopped_at"] is None
    joined = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=0"})
    assert joined.status_code == 202
    assert joined.json()["reason"] == "already_cancelling"
    receipt = http.get(f"/tasks/{task_id}/receipt", params={"wait": 30})
    assert receipt.status_code == 200
    assert receipt.json()["evidence"] == "killed"
    named = http.get(asked.headers["location"].removeprefix("/countermand/v1")).json()
    assert named["event_id"] == asked.json()["event_id"]
    assert named["evidence"] == "killed"


def test_a_cancel_may_come_before_its_task(http: httpx.Client) -> None:
    task_id = f"later-{uuid4().hex}"
    held = http.post(f"/tasks/{task_id}/cancel", json={"if_unknown": "hold", "hold_seconds": 60})
    assert held.status_code == 202, held.text
    assert held.json()["held_until"]
    assert http.get(f"/tasks/{task_id}/receipt").json()["held_until"]
    answer = http.post("/tasks", json={"id": task_id, "kind": "sleep", "payload": {"seconds": 1}})
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["evidence"] == "never_started"


def test_a_bad_wait_is_refused(http: httpx.Client) -> None:
    task_id = waiting(http)
    answer = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=soon"})
    refused(answer, 422, "invalid")
    refused(http.get(f"/tasks/{task_id}/receipt"), 409, "conflict")


# -------------------------------------------------------------------------------------- projects


def project(http: httpx.Client, **more: Any) -> dict[str, Any]:
    body = {
        "tasks": [
            {"id": "first", "kind": "sleep", "not_before": LATER},
            {"id": "second", "kind": "sleep", "not_before": LATER, "depends_on": ["first"]},
        ],
        **more,
    }
    answer = http.post("/projects", json=body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


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


# --------------------------------------------------------------------------------------- history


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
    after = http.get("/history", params={"start": f"0:{int(lines[0]['position'][2:]) + 1}"})
    assert task_id not in json.dumps(after.json()["items"][:0])
    newest = http.get("/history", params={"newest_first": True, "limit": 1}).json()
    assert newest["items"][0]["event"]["subject"]
    assert newest["next_cursor"]


# --------------------------------------------------------------------------------------- streams


def frames(http: httpx.Client, path: str, count: int, **headers: str) -> list[tuple[str, str]]:
    """The first events with their cursors."""
    found: list[tuple[str, str]] = []
    event = ""
    with http.stream("GET", path, headers=headers) as lines:
        assert lines.headers["content-type"].startswith("text/event-stream")
        for line in lines.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            if line.startswith("id: "):
                found.append((event, line.removeprefix("id: ")))
                if len(found) == count:
                    return found
    return found


def test_a_stream_goes_on_behind_any_frame(http: httpx.Client) -> None:
    task_id = submitted(http)
    until_running(http, task_id)
    http.post(f"/tasks/{task_id}/cancel")
    whole = frames(http, f"/tasks/{task_id}/stream", 5)
    assert len(whole) == 5
    for seen in range(1, 4):
        rest = frames(
            http, f"/tasks/{task_id}/stream", 5 - seen, **{"last-event-id": whole[seen - 1][1]}
        )
        assert rest == whole[seen:]


@pytest.mark.parametrize("cursor", ["0:1000000", "7:1", "0:0/0:1000000", "0:1000000/0:0"])
def test_a_stream_goes_on_behind_no_frame_that_was_never_sent(
    http: httpx.Client, cursor: str
) -> None:
    task_id = waiting(http)
    for path in ("/stream", f"/tasks/{task_id}/stream"):
        for query, headers in (({}, {"last-event-id": cursor}), ({"start": cursor}, {})):
            with http.stream("GET", path, params=query, headers=headers) as answer:
                assert answer.status_code == 422
                answer.read()
            assert "ends at 0:" in refused(answer, 422, "invalid")["detail"]


def test_an_organization_s_stream_tells_what_happens_from_now(
    http: httpx.Client, stranger: httpx.Client
) -> None:
    with http.stream("GET", "/stream") as lines:
        told = lines.iter_lines()
        assert next(told).startswith(":")
        waiting(stranger, id="not-ours")
        task_id = waiting(http)
        for line in told:
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["about"] == task_id
                break


def test_output_and_progress_are_streamed_and_shown(http: httpx.Client) -> None:
    task_id = submitted(http, "count", payload={"every_ms": 20})
    with http.stream("GET", f"/tasks/{task_id}/stream") as lines:
        for line in lines.iter_lines():
            if line.startswith("event: countermand.task.output"):
                break
    http.post(f"/tasks/{task_id}/cancel")


# ---------------------------------------------------------------------------------- who may what


def test_without_a_good_key_nothing_is_answered(service: Running) -> None:
    for headers in (
        {},
        {"authorization": "Bearer cm_wrong"},
        {"authorization": "Basic dTpw"},
        {"x-api-key": ""},
        {"authorization": "Bearer " + "x" * 9000},
    ):
        answer = httpx.get(service.url + "/countermand/v1/tasks", headers=headers)
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
    http.post("/tasks", json={"kind": "sleep", "id": task_id, "not_before": "2099-01-01T00:00:00Z"})
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


# ----------------------------------------------------------------------------------- repetitions


def test_the_same_idempotency_key_gives_the_first_answer(http: httpx.Client) -> None:
    headers = {"idempotency-key": uuid4().hex}
    body = {"kind": "sleep", "not_before": LATER}
    first = http.post("/tasks", json=body, headers=headers)
    second = http.post("/tasks", json=body, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    other = http.post("/tasks", json={"kind": "another"}, headers=headers)
    assert refused(other, 409, "conflict")["reason"] == "idempotency_key_reused"
    task_id = first.json()["id"]
    headers = {"idempotency-key": uuid4().hex}
    receipts = {http.post(f"/tasks/{task_id}/cancel", headers=headers).content for _ in range(3)}
    assert len(receipts) == 1


def test_a_refused_request_does_not_use_up_its_key(http: httpx.Client) -> None:
    headers = {"idempotency-key": uuid4().hex}
    task_id = f"late-{uuid4().hex}"
    refused(http.post(f"/tasks/{task_id}/cancel", headers=headers), 404, "not-found")
    waiting(http, id=task_id)
    assert http.post(f"/tasks/{task_id}/cancel", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"kind": "x", "payload": {"x": "y" * 1_500_000}}, 413, id="too_large"),
        pytest.param({"kind": "x", "id": "a b"}, 422, id="no_id"),
    ],
)
def test_a_key_of_what_was_refused_late_stands_for_the_mended_request(
    http: httpx.Client, body: dict[str, Any], status: int
) -> None:
    headers = {"idempotency-key": uuid4().hex}
    for _ in range(2):
        assert http.post("/tasks", json=body, headers=headers).status_code == status
    mended = {"kind": "sleep", "not_before": LATER}
    first = http.post("/tasks", json=mended, headers=headers)
    assert first.status_code == 201, first.text
    assert http.post("/tasks", json=mended, headers=headers).content == first.content


def test_a_bad_idempotency_key_is_refused(http: httpx.Client) -> None:
    answer = http.post("/tasks", json={"kind": "x"}, headers={"idempotency-key": "x" * 256})
    refused(answer, 422, "invalid")


# ---------------------------------------------------------------------------------------- others


def test_health_needs_no_key_and_says_how_far_behind(service: Running) -> None:
    assert httpx.get(service.url + "/healthz").json() == {"status": "up"}
    ready = httpx.get(service.url + "/readyz")
    assert ready.status_code == 200
    assert ready.json()["lag_entries"] >= 0


def test_unknown_routes_and_methods_are_problems_too(http: httpx.Client) -> None:
    refused(http.get("/nothing-here"), 404, "no-such-route")
    refused(http.put("/tasks"), 405, "wrong-method")


def test_no_key_is_ever_logged(service: Running) -> None:
    assert service.key not in service.said()
