"""Executors over real HTTP: listed with what they run, drained and resumed from outside."""

import json
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from countermand.client import SyncClient
from tests.e2e.asking import running, submitted
from tests.e2e.problems import refused
from tests.e2e.running import Running, until_running

BEGINS_SECONDS = 60.0


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


@pytest.fixture(scope="module")
def stranger(service: Running) -> Iterator[httpx.Client]:
    with service.http(service.new_key("strangers", "admin")) as client:
        yield client


@pytest.fixture
def executor(http: httpx.Client) -> str:
    deadline = time.monotonic() + BEGINS_SECONDS
    while True:
        (one,) = http.get("/executors").json()["items"]
        assert one["state"] == "alive"
        assert one["concurrent_runs"] > 0
        if "sleep" in one["kinds"]:
            return str(one["id"])
        # Its first heartbeat comes before its handlers are loaded.
        assert time.monotonic() < deadline, one
        time.sleep(0.01)


def test_it_says_what_it_runs_to_whom_that_belongs(
    http: httpx.Client, stranger: httpx.Client, executor: str
) -> None:
    mine, theirs = running(http), running(stranger)
    for asking, task_id in ((http, mine), (stranger, theirs)):
        runs = asking.get(f"/executors/{executor}").json()["runs"]
        assert [(run["task_id"], run["status"]) for run in runs] == [(task_id, "running")]
        listed = asking.get("/tasks", params={"executor": executor, "status": "running"}).json()
        assert [task["id"] for task in listed["items"]] == [task_id]
        assert asking.get("/tasks", params={"executor": "executor-x"}).json()["items"] == []
        assert asking.post(f"/tasks/{task_id}/cancel", json={}).json()["status"] == "cancelled"


def test_drained_it_claims_nothing_but_stops_what_it_runs(
    http: httpx.Client, executor: str
) -> None:
    before = running(http)
    reason = f"kernel update {uuid4().hex}"
    drained = http.post(f"/executors/{executor}/drain", json={"reason": reason})
    assert (drained.status_code, drained.json()["state"]) == (200, "draining")
    waiting = submitted(http)
    stopped = http.post(f"/tasks/{before}/cancel", json={}).json()
    assert (stopped["status"], stopped["evidence"]) == ("cancelled", "acknowledged")
    assert http.get(f"/tasks/{waiting}").json()["status"] == "pending"
    resumed = http.post(f"/executors/{executor}/resume", json={})
    assert (resumed.status_code, resumed.json()["state"]) == (200, "alive")
    until_running(http, waiting)
    assert http.post(f"/tasks/{waiting}/cancel", json={}).status_code == 200
    lines = http.get("/history", params={"type": "countermand.executor.steered.v1"}).json()["items"]
    said = [line["event"] for line in lines if line["event"]["subject"] == executor]
    assert [event["data"]["claiming"] for event in said][-2:] == [False, True]
    assert said[-2]["data"]["reason"] == reason
    assert said[-2]["data"]["actor"]["organization"] == "default"


def test_only_operators_of_the_service_steer_what_all_share(
    service: Running, http: httpx.Client, stranger: httpx.Client, executor: str
) -> None:
    denied = refused(stranger.post(f"/executors/{executor}/drain"), 403, "forbidden")
    assert "operating_organizations" in denied["detail"]
    with service.http(service.new_key("default", "operator")) as operator:
        refused(operator.get("/executors"), 403, "forbidden")
        refused(operator.post(f"/executors/{executor}/drain"), 403, "forbidden")
    assert http.get(f"/executors/{executor}").json()["state"] == "alive"


def test_an_executor_that_isnt_there_is_not_found(http: httpx.Client) -> None:
    refused(http.get("/executors/executor-x"), 404, "not-found")
    refused(http.post("/executors/executor-x/drain"), 404, "not-found")


def test_the_client_and_the_command_line_do_the_same(service: Running, executor: str) -> None:
    with SyncClient(service.url, service.key) as client:
        assert [one["id"] for one in client.executors()] == [executor]
        assert client.steer_executor(executor, "drain", reason="x")["state"] == "draining"
        assert client.executor(executor)["runs"] == []
    assert "draining" in service.run("executors", "list")
    (one,) = json.loads(service.run("executors", "resume", executor, "--json"))
    assert one["state"] == "alive"
