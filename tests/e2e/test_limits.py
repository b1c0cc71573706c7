"""What a caller meets at the limits: too often, too slow, and when something isn't there."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asking import LATER
from tests.e2e.native.examples import EXAMPLES
from tests.e2e.native.walking import OPERATIONS, nameless, prepared
from tests.e2e.problems import refused
from tests.e2e.running import Running, until_running, up

SETTINGS = {
    "COUNTERMAND_GATEWAY__WRITES_PER_SECOND": "0.5",
    "COUNTERMAND_GATEWAY__READS_PER_SECOND": "1",
    "COUNTERMAND_GATEWAY__BURST_SECONDS": "20",
    "COUNTERMAND_GATEWAY__STREAM_SEND_SECONDS": "0.2",
    "COUNTERMAND_GATEWAY__STREAMS_PER_PRINCIPAL": "1",
    "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "20",
}
WRITES, READS = 10, 20
"""Of a burst."""
HANDLERS = ["--handlers", "tests.authors.answering"]
NOTHING_TO_WRITE = {
    "POST /bulk-cancels/{job_id}/stop",
    "POST /webhooks/{endpoint_id}/redeliver",
}
"""These find it done, and nothing that was given up."""
WRITTEN = sorted(n for n, o in OPERATIONS.items() if o.writes and not EXAMPLES[n].absent)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("limits"), HANDLERS, SETTINGS) as running:
        yield running


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    """Somebody new, who may do as much as anybody."""
    with service.http(service.new_key("default", "admin")) as client:
        yield client


def task(**more: Any) -> dict[str, Any]:
    return {"kind": "sleep", "not_before": LATER, **more}


@pytest.mark.parametrize("lane", ["application/json", "application/json; charset=utf-8"])
def test_who_writes_too_often_is_told_when_to_come_again(http: httpx.Client, lane: str) -> None:
    """The second form of the same isn't for the fast lane."""
    headers = {"content-type": lane}
    answers = [http.post("/tasks", json=task(), headers=headers) for _ in range(WRITES + 2)]
    assert [each.status_code for each in answers[:WRITES]] == [201] * WRITES
    refused(answers[-1], 429, "too-many")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    # Reading is counted by itself.
    assert http.get("/tasks?limit=1").status_code == 200


def test_who_reads_too_often_is_told_too_and_nobody_else_is(
    service: Running, http: httpx.Client
) -> None:
    answers = [http.get("/tasks?limit=1") for _ in range(READS + 3)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    with service.http(service.new_key("default", "auditor")) as other:
        assert other.get("/tasks?limit=1").status_code == 200


@pytest.mark.parametrize("writes", [True, False], ids=["writes", "reads"])
def test_whoever_asks_too_often_is_refused_on_every_route(http: httpx.Client, writes: bool) -> None:
    names = [name for name, operation in OPERATIONS.items() if operation.writes is writes]
    limit = WRITES if writes else READS
    answers = [nameless(names[0]).asked(http) for _ in range(limit)]
    assert 429 not in {each.status_code for each in answers}
    for name in names:
        # A bucket fills while all of them are tried.
        tries = (nameless(name).asked(http) for _ in range(5))
        answer = next(each for each in tries if each.status_code == 429)
        refused(answer, 429, "too-many")
        assert int(answer.headers["retry-after"]) >= 1, name


BUCKET = ("x-ratelimit-limit", "x-ratelimit-remaining")
TOO_MANY: dict[str, tuple[str, str, list[str | None]]] = {
    "xpander": ("POST", "/v1/tasks/{}/stop", [str(WRITES), "0"]),
    "sigmic": ("DELETE", "/api/v1/tasks/{}", [None, None]),
    "crm": ("DELETE", "/api/ai/agent/{}", [None, None]),
    "nico": ("POST", "/v2/org/default/nico/task/{}/cancel", [None, None]),
    "deep work": ("POST", "/api/deep-work/projects/{}/cancel", [str(WRITES), "0"]),
}


def test_each_dialect_says_too_many_in_its_own_words(service: Running, http: httpx.Client) -> None:
    key = http.headers["authorization"]
    with httpx.Client(base_url=service.url, headers={"authorization": key}) as client:
        said, waits = {}, {}
        for dialect, (method, path, bucket) in TOO_MANY.items():
            asked = (client.request(method, path.format(uuid4())) for _ in range(3 * WRITES))
            answer = next(each for each in asked if each.status_code == 429)
            waits[dialect] = int(answer.headers["retry-after"])
            assert [answer.headers.get(name) for name in BUCKET] == bucket
            assert answer.headers.get("x-ratelimit-reset") in (None, str(waits[dialect]))
            said[dialect] = answer.json()
    assert said["deep work"] == {"detail": "Too many requests"}
    assert said["crm"] == {"error": "Rate limit exceeded", "retryAfter": waits["crm"]}
    assert set(said["xpander"]) == {"detail"}
    assert said["sigmic"]["error"]["code"] == "RATE_LIMITED"
    assert (said["nico"]["source"], said["nico"]["data"]) == ("nico", None)


def test_a_reader_that_takes_nothing_is_dropped_and_nobody_waits_for_it(
    service: Running, http: httpx.Client
) -> None:
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((host, int(port)))
        key = http.headers["authorization"]
        request = f"GET /countermand/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\n\r\n"
        reader.sendall(request.encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        taken = http.get("/stream")
        assert taken.status_code == 429
        # More than all buffers on the way hold, and not a byte of it is read.
        padding = "x" * 90_000
        began = time.monotonic()
        for _ in range(2):
            body = {"tasks": [task(description="", payload={"padding": padding})] * 100}
            assert http.post("/tasks", json=body).status_code == 201
        assert time.monotonic() - began < 30
        # It has lost its place, so another one may have it,
        until_streaming(http)
        # and its connection is cut: it is not even sent what was on its way.
        assert received_until_cut(reader) < 100 * len(padding)


def received_until_cut(reader: socket.socket) -> int:
    """In bytes. What the kernel had taken already still arrives."""
    received, last = 0, b""
    try:
        while chunk := reader.recv(1_000_000):
            received, last = received + len(chunk), chunk
    except ConnectionResetError:
        return received
    assert not last.endswith(b"0\r\n\r\n"), "the stream was ended in good order"
    return received


def until_streaming(http: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while True:
        with http.stream("GET", "/stream") as frames:
            if frames.status_code == 200:
                assert next(frames.iter_lines()).startswith(":")
                return
            wait_seconds = int(frames.headers["retry-after"])
        assert time.monotonic() < deadline, "the slow reader keeps its place"
        time.sleep(min(wait_seconds, 1))


def test_an_answer_reaches_the_run_that_waits_for_it(http: httpx.Client) -> None:
    task_id = http.post("/tasks", json={"kind": "asks"}).json()["id"]
    until_running(http, task_id, "waiting")
    waiting = http.get(f"/tasks/{task_id}").json()
    assert waiting["waiting_for"] == 1
    wrong = http.post(f"/tasks/{task_id}/approve", json={"wait": 7})
    assert (wrong.status_code, wrong.json()["reason"]) == (409, "wrong_counter")
    approved = http.post(f"/tasks/{task_id}/approve", json={"answer": {"by": "ann"}, "wait": 1})
    assert approved.status_code == 200, approved.text
    assert approved.json()["status"] in ("running", "waiting")
    until_second_question(http, task_id)
    assert http.post(f"/tasks/{task_id}/approve", json={"answer": "yes"}).status_code == 200
    until_running(http, task_id, "succeeded")
    assert http.get(f"/tasks/{task_id}").json()["result"] == [{"by": "ann"}, "yes"]


def until_second_question(http: httpx.Client, task_id: str) -> None:
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        questions = 0
        for line in frames.iter_lines():
            questions += line == "event: countermand.task.waiting.v1"
            if questions == 2:
                return


def test_what_the_disk_refuses_is_503_and_nothing_is_lost_when_it_takes_it_again(
    folder: Any,
) -> None:
    service = Running(folder)
    service.start()
    key = {"idempotency-key": uuid4().hex}
    with service.http() as http:
        before = http.post("/tasks", json=task()).json()["id"]
        assert http.get(f"/tasks/{before}/history").json()["items"]  # Projected by now.
        unlimited = resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (4096, -1))
        plain = http.post("/tasks", json=task())
        with_key = http.post("/tasks", json=task(id="with-key"), headers=key)
        cancelled = http.post(f"/tasks/{before}/cancel")
        for answer in (plain, with_key, cancelled):
            refused(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        assert http.get(f"/tasks/{before}").json()["status"] == "pending"
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, unlimited)
        again = http.post("/tasks", json=task(id="with-key"), headers=key)
        assert again.status_code == 201, again.text
        assert http.post(f"/tasks/{before}/cancel").json()["evidence"] == "never_started"
        assert httpx.get(f"{service.url}/readyz").json()["status"] == "ready"
    assert service.stop() == 0


def test_every_write_is_503_while_the_disk_refuses_it_and_done_when_it_takes_it_again(
    folder: Any,
) -> None:
    service = Running(folder, HANDLERS, SOON)
    service.start()
    with service.http() as http:
        requests = {name: prepared(name, http) for name in WRITTEN}
        unlimited = resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (4096, -1))
        tried = sorted(set(WRITTEN) - NOTHING_TO_WRITE)
        with ThreadPoolExecutor(len(tried)) as at_once:  # Each is tried again for half a second.
            answers = at_once.map(lambda name: requests[name].asked(http), tried)
        for name, answer in zip(tried, answers, strict=True):
            refused(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1, name
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, unlimited)
        for name, request in requests.items():
            answer = request.asked(http, prefer="wait=30")
            assert answer.is_success, (name, answer.text)
    assert service.stop() == 0


SOON = {
    "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "2",
    "COUNTERMAND_EXECUTOR__SHUTDOWN_RUN_GRACE_SECONDS": "0.5",
}


def test_who_waits_for_a_stop_is_answered_when_the_service_ends(folder: Any) -> None:
    service = Running(folder, environment=SOON)
    service.start()
    with service.http() as http, ThreadPoolExecutor(1) as beside:
        body = {"kind": "stubborn", "payload": {"seconds": 600}, "grace_seconds": 600}
        task_id = http.post("/tasks", json=body).json()["id"]
        until_running(http, task_id)
        wait = {"prefer": "wait=60"}
        waiting = beside.submit(http.post, f"/tasks/{task_id}/cancel", headers=wait)
        with service.http() as other:
            until_running(other, task_id, "cancelling")
        began = time.monotonic()
        assert service.stop() == 0
        answer = waiting.result()
        assert time.monotonic() - began < 30  # and not the minute that it would have waited
    assert answer.status_code == 202, answer.text
    assert json.loads(answer.text)["verdict"] == "effective"
    assert answer.json()["stopped_at"] is None
