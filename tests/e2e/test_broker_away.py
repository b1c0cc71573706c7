"""Services while their broker is away for longer than their patience, and when it is back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL

from cluster.broker import KafkaBroker
from tests.chaos.locks import held
from tests.e2e.asking import WAIT
from tests.e2e.members import COMES_SECONDS, EXCLUSIVE, Member, Members, members_on, until
from tests.e2e.running import until_running
from tests.proof_size import count

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(600),
]

PATIENCE_SECONDS = 2.0
"""Of the services with their broker; every outage here is longer."""
LEASE_SECONDS = 40
SHORT_LEASE_SECONDS = 4
AWAY_SECONDS = count(small=5, full=20)


@pytest.fixture(scope="module")
def members(
    broker: KafkaBroker, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        broker.bootstrap,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_BROKER__PATIENCE_SECONDS": str(PATIENCE_SECONDS),
            "COUNTERMAND_BROKER__REQUEST_TIMEOUT_SECONDS": "1",
            "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1",
            "COUNTERMAND_EXECUTOR__SHUTDOWN_RUN_GRACE_SECONDS": "1",
            **EXCLUSIVE,
            "COUNTERMAND_GATEWAY__APPEND_WAIT_SECONDS": str(PATIENCE_SECONDS),
        },
        lease_seconds=LEASE_SECONDS,
        partitions=2,
    ) as found:
        found.start("gateway", "executor", "projector", "watchdog", "pulse-worker")
        yield found


def submitted(http: httpx.Client, lock: Path) -> str:
    task = {"kind": "exclusive", "payload": {"lock": str(lock)}, "max_attempts": 5}
    answer = http.post("/tasks", json=task)
    assert answer.status_code == 201, answer.text
    task_id: str = answer.json()["id"]
    until_running(http, task_id)
    return task_id


def run_of(http: httpx.Client, task_id: str) -> tuple[str, int, str]:
    task = http.get(f"/tasks/{task_id}").json()
    return task["status"], task["attempt"], task["executor"]


def assert_all_alive(members: Members) -> None:
    for member in members.all:
        assert member.alive, f"{member.service} has ended: {member.said()[-3000:]}"


def refused_and_true(http: httpx.Client, task_id: str) -> None:
    """What callers hear who cancel while the broker is away."""
    answer = http.post(f"/tasks/{task_id}/cancel", headers=WAIT)
    assert answer.status_code in (202, 503), answer.text
    assert answer.json().get("status") != "cancelled"
    assert http.get(f"/tasks/{task_id}").json()["status"] == "running"


def stopped_at_last(http: httpx.Client, task_id: str) -> str:
    """The evidence of a cancel that is repeated until it is answered."""
    deadline = time.monotonic() + COMES_SECONDS
    while True:
        answer = http.post(f"/tasks/{task_id}/cancel", headers=WAIT)
        if answer.status_code in (200, 409):
            evidence: str = http.get(f"/tasks/{task_id}").json()["evidence"]
            return evidence
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)


def test_an_outage_shorter_than_the_lease_aborts_no_run(
    members: Members, http: httpx.Client, broker: KafkaBroker, tmp_path: Path
) -> None:
    kept, cancelled = submitted(http, tmp_path / "kept"), submitted(http, tmp_path / "cancelled")
    before = run_of(http, kept)
    until(lambda: held(tmp_path / "kept"))
    away_until = time.monotonic() + AWAY_SECONDS
    broker.pause()
    try:
        refused_and_true(http, cancelled)
        # The outage itself; all of it the run goes on.
        while time.monotonic() < away_until:
            assert held(tmp_path / "kept"), "aborted by the outage"
            time.sleep(0.1)
    finally:
        broker.resume()
    assert stopped_at_last(http, cancelled) == "acknowledged"
    assert run_of(http, kept) == before
    assert held(tmp_path / "kept")
    assert not (tmp_path / "kept.twice").exists()
    assert_all_alive(members)
    assert stopped_at_last(http, kept) == "acknowledged"


def test_a_broker_that_was_killed_is_followed_again(
    members: Members, http: httpx.Client, broker: KafkaBroker, tmp_path: Path
) -> None:
    kept = submitted(http, tmp_path / "kept")
    before = run_of(http, kept)
    broker.kill()
    refused_and_true(http, kept)
    broker.start()
    assert stopped_at_last(http, kept) == "acknowledged"
    assert run_of(http, kept)[1:] == before[1:]
    after = submitted(http, tmp_path / "after")
    assert stopped_at_last(http, after) == "acknowledged"
    assert_all_alive(members)


def test_an_outage_longer_than_the_lease_ends_runs_and_no_service(
    members: Members, http: httpx.Client, broker: KafkaBroker, tmp_path: Path
) -> None:
    [patient] = members.of("executor")
    hasty = members.member("executor", COUNTERMAND_EXECUTOR__LEASE_SECONDS=str(SHORT_LEASE_SECONDS))
    assert patient.stop() == 0, patient.said()[-3000:]
    members.all.remove(patient)
    hasty.launch()
    hasty.until_up()
    task_id = submitted(http, tmp_path / "lock")
    before = run_of(http, task_id)
    broker.pause()
    try:
        until(lambda: not held(tmp_path / "lock"))
        assert run_of(http, task_id) == before, "nobody can have said anything yet"
    finally:
        broker.resume()
    until(lambda: run_of(http, task_id)[1] > before[1])
    until(lambda: held(tmp_path / "lock"))
    assert not (tmp_path / "lock.twice").exists(), hasty.said()[-3000:]
    assert stopped_at_last(http, task_id) == "acknowledged"
    assert_all_alive(members)


def test_every_service_ends_when_it_is_told_to_while_the_broker_is_away(
    members: Members, http: httpx.Client, broker: KafkaBroker, tmp_path: Path
) -> None:
    submitted(http, tmp_path / "lock")
    broker.pause()
    try:
        with ThreadPoolExecutor(len(members.all)) as threads:
            # In time, or it raises. What they can't say to the log any more their exit code may.
            list(threads.map(Member.stop, members.all))
        assert not held(tmp_path / "lock")
    finally:
        broker.resume()
    [executor] = [each for each in members.all if each.service == "executor"]
    assert "how 1 run(s) of this executor ended" in executor.said()
