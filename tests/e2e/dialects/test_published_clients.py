"""Clients that xpander and Trigger.dev publish, unchanged: each by its lock, in its own folder."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.e2e.dialects.published.installing import LOCKS, node_folder_with, python_with
from tests.e2e.dialects.trying import until
from tests.e2e.running import Running, up
from tests.engines.engine import KEY
from tests.engines.running import RunningEngine

CLIENT_SECONDS = 100
INSTALL_SECONDS = 900
"""The first time; then it is there."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    engine = RunningEngine(tmp_path_factory.mktemp("engine") / "engine")
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory, engine: RunningEngine) -> Iterator[Running]:
    """A CRM whose agents are Trigger.dev's tasks, in either form of its API."""
    of_all = {"type": "trigger.dev", "url": engine.url, "key": KEY, "task": "report"}
    patience = {"poll_seconds": 0.05, "poll_limit_seconds": 0.2, "request_seconds": 5}
    engines = {form: {**of_all, "form": form, "patience": patience} for form in ("v1", "v2")}
    agents = {"order": {"kind": "v1"}, "analytics": {"kind": "v2"}}
    environment = {
        "COUNTERMAND_EXECUTOR__ENGINES": json.dumps(engines),
        "COUNTERMAND_EXECUTOR__REMOTE_HOSTS": json.dumps([f"127.0.0.1:{engine.port}"]),
        "COUNTERMAND_DIALECTS__CRM": json.dumps({"agents": agents}),
        "COUNTERMAND_DIALECTS__CANCEL_WAIT_SECONDS": "20",
        "COUNTERMAND_EXECUTOR__SHUTDOWN_RUN_GRACE_SECONDS": "1",
    }
    with up(tmp_path_factory.mktemp("crm"), environment=environment) as running:
        yield running


class Asked:
    """A client that answers line by line."""

    def __init__(self, name: str, *arguments: str) -> None:
        folder = node_folder_with(name)
        shutil.copy(LOCKS / name / "client.mjs", folder)
        self._process = subprocess.Popen(
            ["node", "client.mjs", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )

    def __call__(self, what: str, id: str) -> str:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{what} {id}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=CLIENT_SECONDS)
        assert self._process.returncode == 0


@pytest.fixture
def client(engine: RunningEngine, name: str) -> Iterator[Asked]:
    client = Asked(name, engine.url, KEY)
    yield client
    client.end()


@pytest.mark.timeout(INSTALL_SECONDS)
def test_xpanders_own_sdk_works_unchanged(service: Running) -> None:
    python, client = python_with("xpander"), LOCKS / "xpander" / "client.py"
    done = subprocess.run(
        [python, client, service.url, service.key, "agent-controller"],
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "created pending count the racks Counting",
        "runs executing sleeper",
        "listed True True False",
        "stopped stopped True True",
        "again True",
        "later stopped",
        "heard task_created task_finished stopped",
        "refused 404",
        "refused 422",
        "refused 401",
        "controller stopped",
    ]


class Form(NamedTuple):
    """A form of Trigger.dev's API, and how its own client shows runs."""

    agent: str
    running: str
    cancelled: str
    refused: str | None
    """None: it tries again for ten seconds, which nobody needs to wait for."""


FORMS = {
    "trigger_dev": Form(
        "analytics", "EXECUTING true false countermand", "CANCELED false true countermand",
        "refused 404",
    ),
    "trigger_dev_2": Form("order", "STARTED 0", "CANCELED 0", None),
}  # fmt: skip


def queued(crm: Running, http: httpx.Client, agent: str, engine: RunningEngine) -> tuple[str, str]:
    """A task of the CRM, and the id of its run in the engine."""
    body = {"taskType": "report", "agent": agent, "input": {}}
    task_id = http.post("/api/ai/agent", json=body).json()["taskId"]
    with crm.http() as native:
        with native.stream("GET", f"/tasks/{task_id}/stream") as lines:
            next(line for line in lines.iter_lines() if "run.attached" in line)
        run_id = native.get(f"/tasks/{task_id}").json()["run_id"]
    return task_id, str(engine.run_of(run_id)["id"])


@pytest.mark.timeout(INSTALL_SECONDS)
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node and npm")
@pytest.mark.parametrize("name", FORMS)
def test_trigger_devs_own_client_sees_what_is_started_and_cancelled_here(
    crm: Running, engine: RunningEngine, client: Asked, name: str
) -> None:
    form = FORMS[name]
    headers = {"authorization": f"Bearer {crm.key}"}
    with httpx.Client(base_url=crm.url, headers=headers, timeout=30) as http:
        # 1. Cancelled through the CRM: its own client sees that, and once more changes nothing.
        task_id, run = queued(crm, http, form.agent, engine)
        assert client("show", run) == form.running
        row = http.delete(f"/api/ai/agent/{task_id}").json()["task"]
        assert (row["status"], row["triggerRunId"]) == ("cancelled", run)
        assert client("show", run) == form.cancelled
        assert client("cancel", run) == run
        assert client("show", run) == form.cancelled
        # 2. Cancelled by its own client: the CRM says that it didn't come to its end, and why.
        task_id, run = queued(crm, http, form.agent, engine)
        assert client("cancel", run) == run
        with crm.http() as native:
            until(native, task_id, "failed")
        error = http.get(f"/api/ai/agent/{task_id}/status").json()["error"]
        assert error["code"] == "cancelled_there"
    # 3. The engine of these tests speaks its language: it can start and be refused there.
    assert client("start", f"key-of-{name}").startswith("run_")
    if form.refused is not None:
        assert client("cancel", "run_none") == form.refused
