"""Services that stand still for longer than any of their time-outs, and go on by themselves."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import URL

from tests.e2e.asking import SLEEP, WAIT
from tests.e2e.commands import run
from tests.e2e.members import COMES_SECONDS, Member, Members, members_on, until
from tests.e2e.running import until_running
from tests.proof_size import count

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(600),
]

PATIENCE_SECONDS = 2
"""The longest time-out that these services have with broker and callers."""
STANDS_SECONDS = count(small=3, full=15)
"""In full size it is longer than a session of the pulse's group, which goes on without it."""
TASKS = count(small=5, full=50)
LEASE_SECONDS = 120


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_BROKER__PATIENCE_SECONDS": str(PATIENCE_SECONDS),
            "COUNTERMAND_BROKER__REQUEST_TIMEOUT_SECONDS": "1",
            "COUNTERMAND_GATEWAY__APPEND_WAIT_SECONDS": str(PATIENCE_SECONDS),
        },
        lease_seconds=LEASE_SECONDS,
    ) as found:
        found.start("gateway", "gateway", "executor", "projector", "pulse-worker")
        yield found


@contextmanager
def standing(member: Member) -> Iterator[None]:
    """Nothing of it moves for at least `STANDS_SECONDS`, and the block."""
    until_seconds = time.monotonic() + STANDS_SECONDS
    member.pause()
    try:
        yield
        time.sleep(max(0.0, until_seconds - time.monotonic()))  # the pause itself
    finally:
        member.resume()


def stop_some(http: httpx.Client) -> list[str]:
    """Tasks that ran, and are stopped; whoever answers shows them from its own fold."""
    tasks: list[str] = [http.post("/tasks", json=SLEEP).json()["id"] for _ in range(TASKS)]
    for task_id in tasks:
        until(lambda: status(http, task_id) == "running")  # noqa: B023
        answer = http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()
        assert answer["status"] == "cancelled", answer
    return tasks


def status(http: httpx.Client, task_id: str) -> str | None:
    answer = http.get(f"/tasks/{task_id}")
    return answer.json()["status"] if answer.status_code == 200 else None


def told(http: httpx.Client, task_id: str) -> list[str]:
    lines = http.get(f"/tasks/{task_id}/history").json()["items"]
    return [line["event"]["id"] for line in lines]


def test_a_gateway_that_stood_still_knows_all_that_came_meanwhile(
    members: Members, http: httpx.Client
) -> None:
    _, slow = members.of("gateway")
    with members.http(slow) as elsewhere:
        running = elsewhere.post("/tasks", json=SLEEP).json()["id"]
        until_running(elsewhere, running)
        with standing(slow):
            tasks = stop_some(http)
            assert http.post(f"/tasks/{running}/cancel", headers=WAIT).json()["status"]
        for task_id in (*tasks, running):
            until(lambda: status(elsewhere, task_id) == "cancelled", slow.said)  # noqa: B023
        # It takes part again: what it accepts, others know.
        another = elsewhere.post("/tasks", json=SLEEP)
        assert another.status_code == 201, another.text
        until_running(http, another.json()["id"])
        stopped = elsewhere.post(f"/tasks/{another.json()['id']}/cancel", headers=WAIT).json()
        assert (stopped["status"], stopped["evidence"]) == ("cancelled", "acknowledged")
    assert slow.alive, slow.said()[-3000:]


def test_a_projector_that_stood_still_writes_every_row_once(
    members: Members, http: httpx.Client
) -> None:
    [slow] = members.of("projector")
    with ThreadPoolExecutor(1) as reader:
        with standing(slow):
            tasks = stop_some(http)
            # A stream that begins now has a past that nobody can read yet.
            read = reader.submit(until_running, http, tasks[0], "cancelled")
        read.result(COMES_SECONDS)
    until(lambda: len(told(http, tasks[-1])) >= 4, slow.said)
    for task_id in tasks:
        events = told(http, task_id)
        assert len(set(events)) == len(events) >= 4
        assert status(http, task_id) == "cancelled"
    # It fails where what is rebuilt from the log isn't what the projector has written.
    said = run(["rebuild", "--json"], members.environment, COMES_SECONDS)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["compared"] is True
    assert slow.alive, slow.said()[-3000:]


def test_nobody_is_told_from_late_rows_that_no_cancel_was_requested(
    members: Members, http: httpx.Client
) -> None:
    [slow] = members.of("projector")
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    project_id = http.post("/projects", json={}).json()["id"]
    cancelled = (f"/tasks/{task_id}", f"/projects/{project_id}")
    until_running(http, task_id)
    until(lambda: len(told(http, task_id)) >= 2, slow.said)
    with standing(slow):
        for path in cancelled:
            assert http.post(f"{path}/cancel", headers=WAIT).json()["status"] == "cancelled"
            answer = http.get(f"{path}/receipt")
            assert answer.status_code == 503, answer.text
    for path in cancelled:
        until(lambda: http.get(f"{path}/receipt").status_code == 200, slow.said)  # noqa: B023


def test_a_pulse_worker_that_stood_still_counts_every_stop_once(
    members: Members, http: httpx.Client
) -> None:
    [slow] = members.of("pulse-worker")
    until(lambda: stopped(http) > 0, slow.said)
    with standing(slow):
        stop_some(http)
    everything = sum(1 for _ in stopped_tasks(http))
    until(lambda: stopped(http) >= everything, lambda: f"{stopped(http)} of {everything}")
    assert stopped(http) == everything
    assert slow.alive, slow.said()[-3000:]


def stopped(http: httpx.Client) -> int:
    """How many stops the pulse has counted in a day."""
    evidence: dict[str, int] = http.get("/pulse").json()["windows"]["24h"]["evidence"]
    return sum(evidence.values())


def stopped_tasks(http: httpx.Client) -> Iterator[str]:
    """As the read models list them, page by page."""
    asked = {"status": "cancelled", "limit": "100"}
    while True:
        page = http.get("/tasks", params=asked).json()
        yield from (each["id"] for each in page["items"])
        if not page["next_cursor"]:
            return
        asked["cursor"] = page["next_cursor"]
