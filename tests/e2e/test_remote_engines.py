"""Runs on a remote engine, a real process, through all that can go wrong between here and there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running import Running, until_running, up
from tests.engines.engine import KEY
from tests.engines.running import RunningEngine

QUICK = {"poll_seconds": 0.05, "poll_limit_seconds": 0.2, "request_seconds": 2}
FORMS = ["v2", "v1", "http"]


def settings(engine: RunningEngine) -> dict[str, str]:
    trigger = {"type": "trigger.dev", "url": engine.url, "key": KEY, "task": "report"}
    by_template = {
        "type": "http",
        "headers": {"authorization": f"Bearer {KEY}"},
        "start": {
            "url": f"{engine.url}/api/v1/tasks/any/trigger",
            "body": {"payload": "${payload}", "options": {"idempotencyKey": "${run_id}"}},
        },
        "status": {"method": "GET", "url": f"{engine.url}/api/v3/runs/${{handle}}"},
        "words": {"COMPLETED": "succeeded", "FAILED": "failed", "CANCELED": "cancelled"},
        "error_at": "error.message",
        "cancel": {"url": f"{engine.url}/api/v2/runs/${{handle}}/cancel"},
        "patience": QUICK,
    }
    engines = {
        "v1": {**trigger, "form": "v1", "patience": QUICK},
        "v2": {**trigger, "patience": QUICK},
        "http": by_template,
        "other-host": {**by_template, "start": {"url": "http://localhost:1/start"}},
        "redirected": {**by_template, "start": {"url": f"{engine.url}/elsewhere"}},
        "wrong-key": {**trigger, "key": "wrong", "patience": QUICK},
        "impatient": {**trigger, "patience": {**QUICK, "request_seconds": 0.3, "tries": 2}},
    }
    crm = {"agents": {"analytics": {"kind": "v2"}, "order": {"kind": "impatient"}}}
    return {
        "COUNTERMAND_EXECUTOR__ENGINES": json.dumps(engines),
        "COUNTERMAND_EXECUTOR__REMOTE_HOSTS": json.dumps([f"127.0.0.1:{engine.port}"]),
        "COUNTERMAND_DIALECTS__CRM": json.dumps(crm),
        "COUNTERMAND_DIALECTS__CANCEL_WAIT_SECONDS": "1",
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    engine = RunningEngine(tmp_path_factory.mktemp("engine") / "engine")
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, engine: RunningEngine) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service"), environment=settings(engine)) as running:
        yield running


@pytest.fixture
def crm(service: Running) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {service.key}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=30) as crm:
        yield crm


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


def submitted(http: httpx.Client, kind: str, **payload: Any) -> str:
    answer = http.post("/tasks", json={"kind": kind, "payload": payload})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def cancelled(http: httpx.Client, task_id: str, wait_seconds: int = 20) -> dict[str, Any]:
    answer = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": f"wait={wait_seconds}"})
    receipt: dict[str, Any] = answer.json()
    return receipt


def shown(http: httpx.Client, task_id: str) -> dict[str, Any]:
    task: dict[str, Any] = http.get(f"/tasks/{task_id}").json()
    return task


def evidence(http: httpx.Client, task_id: str) -> str | None:
    """How it is known that it stopped, once it has; also when it has while nobody looked."""
    until_running(http, task_id, "cancelled")
    said: str | None = shown(http, task_id)["evidence"]
    return said


def queued(crm: httpx.Client, agent: str = "analytics", **input: Any) -> str:
    """A task of the CRM, whose run goes as its input says."""
    body = {"taskType": "report", "agent": agent, "input": input}
    return str(crm.post("/api/ai/agent", json=body).json()["taskId"])


def until_said(http: httpx.Client, task_id: str, type: str) -> dict[str, Any]:
    """The first event of this type in the task's stream."""
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        for line in frames.iter_lines():
            if line.startswith("data: "):
                event: dict[str, Any] = json.loads(line[6:]).get("event", {})
                if event.get("type") == type:
                    return event
    raise AssertionError(f"{task_id}: never a {type}")


ATTACHED = "countermand.run.attached.v1"


@pytest.mark.parametrize("kind", FORMS)
def test_a_run_is_started_once_attached_and_cancelled_with_the_engines_word(
    http: httpx.Client, engine: RunningEngine, kind: str
) -> None:
    task_id = submitted(http, kind)
    handle = until_said(http, task_id, ATTACHED)["data"]["handle"]
    receipt = cancelled(http, task_id)
    assert (receipt["status"], receipt["evidence"]) == ("cancelled", "remote_acknowledged")
    run = engine.run_of(shown(http, task_id)["run_id"])
    assert handle == {"id": run["id"]}
    assert (run["starts"], run["cancels"]) == (1, 1)


@pytest.mark.parametrize("kind", FORMS)
def test_what_the_engine_says_of_the_end_is_the_tasks_end(http: httpx.Client, kind: str) -> None:
    done, failed = submitted(http, kind, seconds=0), submitted(http, kind, seconds=0, fails=True)
    until_running(http, done, "succeeded")
    until_running(http, failed, "failed")
    assert shown(http, done)["result"] == {"said": "done"}
    assert shown(http, failed)["error"] == "it was meant to fail"


@pytest.mark.parametrize("kind", ["v2", "v1"])
def test_a_start_whose_answer_was_lost_is_found_again(
    http: httpx.Client, engine: RunningEngine, kind: str
) -> None:
    task_id = submitted(http, kind, starts_lost=2)
    until_said(http, task_id, ATTACHED)
    run = engine.run_of(shown(http, task_id)["run_id"])
    assert run["starts"] == 3
    assert cancelled(http, task_id)["evidence"] == "remote_acknowledged"


def test_a_start_in_doubt_is_cancelled_and_not_forgotten(
    http: httpx.Client, engine: RunningEngine
) -> None:
    task_id = submitted(http, "v2", starts_lost=4)
    until_running(http, task_id)
    receipt = cancelled(http, task_id)
    assert receipt["evidence"] in ("remote_acknowledged", "never_started")
    runs = [run for run in engine.runs().values() if run["key"] == shown(http, task_id)["run_id"]]
    assert all(run["cancelled_at"] is not None for run in runs)


TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "carried out, and its answer lost": ("analytics", {"cancels_lost": 2}),
    "carried out, and never answered": ("order", {"cancels_silent": 5}),
    "not carried out, and never answered": ("order", {"cancels_silent": 3, "cancels_fail": 3}),
    "carried out slowly": ("analytics", {"cancel_seconds": 1.5}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_c3_the_crm_says_cancelled_only_when_the_engine_has(
    http: httpx.Client, crm: httpx.Client, engine: RunningEngine, trouble: str
) -> None:
    agent, input = TROUBLE[trouble]
    task_id = queued(crm, agent, **input)
    until_said(http, task_id, ATTACHED)
    answer = crm.delete(f"/api/ai/agent/{task_id}")
    row = crm.get(f"/api/ai/agent/{task_id}/status").json()["task"]
    run = engine.run_of(shown(http, task_id)["run_id"])
    if answer.status_code == 200:
        assert answer.json()["task"]["status"] == "cancelled"
        assert run["cancelled_at"] is not None
    else:
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
        assert row["status"] in ("running", "cancelled")
    assert evidence(http, task_id) == "remote_acknowledged"
    again = crm.delete(f"/api/ai/agent/{task_id}")
    assert (again.status_code, again.json()) == (409, {"error": "Task already finished"})


def test_c3_a_cancel_that_fails_there_is_an_error_and_is_told_again(
    http: httpx.Client, crm: httpx.Client, engine: RunningEngine
) -> None:
    task_id = queued(crm, cancels_fail=12)
    until_said(http, task_id, ATTACHED)
    answer = crm.delete(f"/api/ai/agent/{task_id}")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert evidence(http, task_id) == "remote_acknowledged"
    assert engine.run_of(shown(http, task_id)["run_id"])["cancels"] == 13


def test_c2_the_crm_shows_the_id_of_the_remote_run(
    http: httpx.Client, crm: httpx.Client, engine: RunningEngine
) -> None:
    task_id = queued(crm)
    until_said(http, task_id, ATTACHED)
    row = crm.delete(f"/api/ai/agent/{task_id}").json()["task"]
    run = engine.run_of(shown(http, task_id)["run_id"])
    assert (row["status"], row["triggerRunId"]) == ("cancelled", run["id"])
    assert run["cancels"] == 1


def test_an_engine_that_says_nothing_is_asked_again_and_again(
    http: httpx.Client, engine: RunningEngine
) -> None:
    silent = {"starts_silent": 3, "looks_silent": 2, "cancels_silent": 3}
    task_id = submitted(http, "impatient", **silent, cancels_fail=3)
    until_said(http, task_id, ATTACHED)
    assert cancelled(http, task_id, 0)["status"] == "cancelling"
    assert evidence(http, task_id) == "remote_acknowledged"
    run = engine.run_of(shown(http, task_id)["run_id"])
    assert (run["starts"], run["cancels"]) == (4, 4)


def test_a_run_that_completes_all_the_same_has_run_to_its_end(http: httpx.Client) -> None:
    task_id = submitted(http, "v2", completes_when_cancelled=True)
    until_said(http, task_id, ATTACHED)
    receipt = cancelled(http, task_id)
    assert (receipt["status"], receipt["evidence"]) == ("cancelled", "ran_to_end")


def test_an_engine_that_dies_in_the_middle_of_a_cancel_is_asked_when_it_is_back(
    http: httpx.Client, crm: httpx.Client, engine: RunningEngine
) -> None:
    task_id = queued(crm, cancel_seconds=3)
    until_said(http, task_id, ATTACHED)
    assert cancelled(http, task_id, 0)["status"] == "cancelling"
    engine.kill()
    for _ in range(2):
        answer = crm.delete(f"/api/ai/agent/{task_id}")
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
        row = crm.get(f"/api/ai/agent/{task_id}/status").json()["task"]
        assert row["status"] == "running"
    engine.start()
    assert evidence(http, task_id) == "remote_acknowledged"


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        ("other-host", "not_allowed"),
        ("redirected", "engine_refused"),
        ("wrong-key", "engine_refused"),
    ],
)
def test_what_may_not_be_called_or_refuses_fails_the_task(
    http: httpx.Client, kind: str, error_type: str
) -> None:
    task_id = submitted(http, kind)
    until_running(http, task_id, "failed")
    assert shown(http, task_id)["error_type"] == error_type


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_start_that_the_engine_refuses_for_good_fails_the_task(
    http: httpx.Client, status: int
) -> None:
    task_id = submitted(http, "v2", refused=status)
    until_running(http, task_id, "failed")
    assert shown(http, task_id)["error_type"] == "engine_refused"


def test_a_run_outlives_its_executor_and_is_adopted(tmp_path: Path) -> None:
    engine = RunningEngine(tmp_path / "engine")
    engine.start()
    service = Running(tmp_path, environment=settings(engine))
    service.start()
    with service.http() as http:
        killed, stopped = submitted(http, "v2"), submitted(http, "v2", seconds=4)
        asked = submitted(http, "v2", cancel_seconds=4)
        for task_id in (killed, stopped, asked):
            until_said(http, task_id, ATTACHED)
        assert cancelled(http, asked, 0)["status"] == "cancelling"
    # 1. Killed: what comes after it adopts the runs, also one that is being cancelled.
    service.kill()
    service.start()
    with service.http() as http:
        until_said(http, killed, "countermand.run.adopted.v1")
        assert cancelled(http, killed)["evidence"] == "remote_acknowledged"
        # Which may have been over before there was anybody to ask again.
        assert evidence(http, asked) == "remote_acknowledged"
    # 2. Stopped as an operator does: nothing is cancelled, and nothing waits for a remote run.
    assert service.stop() == 0, service.said()[-4000:]
    service.start()
    with service.http() as http:
        until_running(http, stopped, "succeeded")
        assert shown(http, stopped)["attempt"] == 1
        runs = engine.runs().values()
        assert [run["starts"] for run in runs] == [1, 1, 1]
    service.stop()
    engine.kill()
