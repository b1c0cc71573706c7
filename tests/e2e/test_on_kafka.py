"""The same service as several processes, on a real broker and a real PostgreSQL."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import URL

from cluster.ports import free_ports
from events.cancel_events import CancelObserved, CancelRequested, TaskCancelled
from events.log import Message
from events.run_events import RunLost, RunReleased, TaskStarted
from events.task_events import TaskSubmitted
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from services.kafka_log.writer import partition_of
from tests.chaos.locks import held
from tests.e2e.asking import SLEEP, WAIT, running, waiting
from tests.e2e.commands import run
from tests.e2e.members import EXCLUSIVE, Member, Members, members_on, until
from tests.e2e.receiver import Receiver
from tests.e2e.running import until_running

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(300)]

PATIENCE_SECONDS = 60.0
LEASE_SECONDS = 6.0
MODULES = ["countermand.handlers.samples", "tests.authors.exclusive"]
STANDS_STILL = 1
"""The partition that stands still since the test that poisons it."""
HAS_A_PARTITION = "has a partition of the pulse"
UNKNOWN = b"""{"specversion":"1.0","id":"0190b8f1-0000-7000-8000-000000000000","source":"/x",
"type":"countermand.task.teleported.v1","subject":"t","time":"2026-01-01T00:00:00Z",
"organization":"acme","root":"t","data":{"actor":{"kind":"user","id":"ada","organization":"acme"}}}
"""


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_WEBHOOKS__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "COUNTERMAND_WEBHOOKS__PLAIN_HTTP": "true",
            "COUNTERMAND_SILENCE_LIMIT_SECONDS": "3",
            **EXCLUSIVE,
            "COUNTERMAND_EXECUTOR__MODULES": json.dumps(MODULES),
        },
        lease_seconds=LEASE_SECONDS,
    ) as found:
        found.start("gateway", "executor", "executor", "projector", "watchdog", "pulse-worker")
        yield found


def types_of(http: httpx.Client, task_id: str) -> list[str]:
    """Of what counted: of two executors that claim at once one's claim is void."""
    lines = http.get(f"/tasks/{task_id}/history").json()["items"]
    return [line["event"]["type"] for line in lines if line["verdict"] != "void"]


def test_a_task_is_run_cancelled_and_told(http: httpx.Client) -> None:
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, task_id)
    receipt = http.post(f"/tasks/{task_id}/cancel", json={"reason": "enough"}, headers=WAIT).json()
    assert (receipt["status"], receipt["evidence"]) == ("cancelled", "acknowledged")
    task = http.get(f"/tasks/{task_id}").json()
    assert (task["status"], task["evidence"]) == ("cancelled", "acknowledged")
    assert types_of(http, task_id) == [
        TaskSubmitted.TYPE,
        TaskStarted.TYPE,
        CancelRequested.TYPE,
        CancelObserved.TYPE,
        TaskCancelled.TYPE,
    ]


def test_what_one_gateway_has_answered_another_one_knows(
    members: Members, http: httpx.Client
) -> None:
    [other] = members.start("gateway")
    key = {"idempotency-key": uuid.uuid4().hex}
    with members.http(other) as elsewhere:
        first = http.post("/tasks", json=SLEEP, headers=key)
        again = elsewhere.post("/tasks", json=SLEEP, headers=key)
        assert again.json()["id"] == first.json()["id"]
        path = f"/tasks/{first.json()['id']}"
        receipt = elsewhere.post(f"{path}/cancel", headers=WAIT).json()
        assert receipt["status"] == "cancelled"
        shown = elsewhere.get(path).json()
        partition, _, offset = shown["position"].partition(":")
        told = {"countermand-after": f"{partition}:{int(offset) + 1}"}
        assert http.get(path, headers=told).json() == shown
    assert other.stop() == 0, other.said()[-4000:]


def test_runs_move_only_with_who_leaves_or_dies_and_nothing_runs_twice(
    members: Members, http: httpx.Client, tmp_path: Path
) -> None:
    locks: dict[str, Path] = {}
    until_each_has_one(http, members, tmp_path, locks, max_attempts=1)
    # Two join: the choice of who claims changes, and partitions of the pulse move.
    [first] = members.of("pulse-worker")
    [joined, second] = members.start("executor", "pulse-worker")
    until(lambda: HAS_A_PARTITION in second.said(), second.said)
    until_each_has_one(http, members, tmp_path, locks, max_attempts=2)
    before = {task_id: executor_of(http, task_id) for task_id in locks}
    [stays, leaves] = [each for each in members.of("executor") if each is not joined]
    # One leaves, and of each kind one is killed.
    first.kill()
    joined.kill()
    assert leaves.stop() == 0, leaves.said()[-4000:]
    # What is released hasn't failed: most of these have one attempt.
    again = {leaves.where: [RunReleased.TYPE, TaskStarted.TYPE], stays.where: []}
    again[joined.where] = [RunLost.TYPE, TaskStarted.TYPE]
    for task_id, executor in before.items():
        if executor != stays.where:
            until_attempt(http, task_id, 2)
            until_running(http, task_id)
    until(lambda: len(partitions_of(second)) == members.history.partitions, second.said)
    for task_id, lock in locks.items():
        until(lambda: held(lock))  # noqa: B023
        assert executor_of(http, task_id) == stays.where
        # No more than this has begun, or ended.
        told = [TaskSubmitted.TYPE, TaskStarted.TYPE, *again[before[task_id]]]
        assert types_of(http, task_id) == told
    for task_id, lock in locks.items():
        receipt = http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()
        assert (receipt["status"], receipt["evidence"]) == ("cancelled", "acknowledged")
        assert not held(lock)
    assert list(tmp_path.glob("*.twice")) == []


def test_a_cancel_accepted_while_no_executor_is_alive_is_honoured_when_one_starts(
    members: Members, http: httpx.Client
) -> None:
    running = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, running)
    for executor in members.of("executor"):
        executor.kill()
    pending = http.post("/tasks", json=SLEEP).json()["id"]
    asynchronous = {"prefer": "respond-async"}
    for task_id in (running, pending):
        accepted = http.post(f"/tasks/{task_id}/cancel", headers=asynchronous)
        assert accepted.status_code in (200, 202), accepted.text
    members.start("executor")
    after = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, after)
    stopped = http.get(f"/tasks/{running}/receipt", params={"wait": 30}).json()
    assert stopped["status"] == "cancelled"
    assert stopped["evidence"] == "presumed"
    never = http.get(f"/tasks/{pending}").json()
    assert (never["status"], never["evidence"]) == ("cancelled", "never_started")
    assert TaskStarted.TYPE not in types_of(http, pending)
    http.post(f"/tasks/{after}/cancel", headers=WAIT)


def test_projectors_share_the_partitions_and_take_over_from_each_other(
    members: Members, http: httpx.Client
) -> None:
    [first] = members.of("projector")
    [second] = members.start("projector")
    until_feeds(second, 2)
    for _ in range(8):
        task_id = http.post("/tasks", json=SLEEP).json()["id"]
        assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"]
        assert http.get(f"/tasks/{task_id}").json()["status"] == "cancelled"
    print("JOINED", time.monotonic())
    first.kill()
    until_feeds(second, 4)
    for _ in range(8):
        task_id = http.post("/tasks", json=SLEEP).json()["id"]
        assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"]
        assert http.get(f"/tasks/{task_id}").json()["status"] == "cancelled"


def test_a_projector_that_stands_still_loses_its_partitions_and_takes_part_again(
    members: Members, http: httpx.Client
) -> None:
    [slow] = members.of("projector")
    [other] = members.start("projector")
    until_feeds(other, 2)
    slow.pause()
    try:
        tasks = [stopped(http) for _ in range(8)]
        for task_id in tasks:
            # Of all partitions there are rows again, while it still stands.
            until(lambda: TaskSubmitted.TYPE in types_of(http, task_id), other.said)  # noqa: B023
        until_feeds(other, 4)
    finally:
        slow.resume()
    fed = len(shares_of(slow))
    until_says(slow, "gives its partitions up", 1)
    until_feeds(slow, 2, since=fed)
    tasks += [stopped(http) for _ in range(8)]
    for task_id in tasks:
        until(lambda: types_of(http, task_id).count(CancelRequested.TYPE) == 1)  # noqa: B023
    assert slow.alive, slow.said()[-4000:]
    assert slow.stop() == 0, slow.said()[-4000:]


def test_connections_that_postgresql_ends_are_made_anew(
    members: Members, http: httpx.Client
) -> None:
    with psycopg.connect(members.environment["COUNTERMAND_POSTGRES"], autocommit=True) as own:
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    deadline = time.monotonic() + PATIENCE_SECONDS
    answer = http.post("/tasks", json=SLEEP)
    while answer.status_code == 503 and time.monotonic() < deadline:
        answer = http.post("/tasks", json=SLEEP)
    assert answer.status_code == 201, answer.text
    task_id = answer.json()["id"]
    until_running(http, task_id)
    stopped = http.post(f"/tasks/{task_id}/cancel", headers=WAIT)
    assert stopped.json()["status"] == "cancelled"
    assert http.get(f"/tasks/{task_id}").json()["evidence"] == "acknowledged"


def test_a_rebuild_beside_the_services_gives_the_same_and_takes_over(
    members: Members, http: httpx.Client
) -> None:
    said = run(["rebuild", "--json"], members.environment, 2 * PATIENCE_SECONDS)
    assert said.returncode == 0, said.stderr
    rebuilt = json.loads(said.stdout)
    assert rebuilt["compared"] is True
    assert rebuilt["generation"] == 2
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, task_id)
    assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"] == "cancelled"
    assert http.get(f"/tasks/{task_id}").json()["status"] == "cancelled"
    with psycopg.connect(members.environment["COUNTERMAND_POSTGRES"]) as own:
        [written] = own.execute("SELECT max(next_offset) FROM read_models_0002.checkpoints")
        [before] = own.execute("SELECT max(next_offset) FROM read_models_0001.checkpoints")
    assert written >= before


def test_one_gateway_sends_webhooks_and_counts_stops_for_all(
    members: Members, http: httpx.Client
) -> None:
    receiver = Receiver()
    [first] = members.of("gateway")
    [second] = members.start("gateway")
    try:
        endpoint = {"url": receiver.url, "types": [CancelRequested.TYPE]}
        assert http.post("/webhooks", json=endpoint).status_code == 201
        with members.http(second) as elsewhere:
            told = {stopped(elsewhere)}
            receiver.until(lambda: subjects(receiver) == told)
            assert stops_counted(http) > 0
            assert stops_counted(elsewhere) == 0
            # Whoever did it for all stands still: another one goes on.
            first.pause()
            told.add(stopped(elsewhere))
            receiver.until(lambda: subjects(receiver) == told)
            told.add(stopped(elsewhere))
            receiver.until(lambda: subjects(receiver) == told)
            assert stops_counted(elsewhere) > 0
            first.resume()
        # That one is killed: the first one has the turn again.
        second.kill()
        told.add(stopped(http))
        receiver.until(lambda: subjects(receiver) == told)
    finally:
        receiver.close()


def test_what_stands_behind_a_newer_release_is_told_and_nothing_else_waits_for_it(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    history = members.history
    behind, elsewhere = an_id_in(STANDS_STILL), an_id_in(2)
    asyncio.run(append(kafka_broker, history, f"acme/{behind}", UNKNOWN, b"\xff no event of ours"))
    asyncio.run(append(kafka_broker, history, f"acme/{elsewhere}", b"\xff no event of ours"))
    ready = httpx.URL(http.base_url).join("/readyz")
    until(lambda: "partition 1 stands at" in http.get(ready).text)
    answer = http.get(f"/tasks/{behind}")
    assert answer.status_code == 503
    told = answer.json()
    assert told["type"] == "urn:countermand:problem:upgrade-needed"
    assert told["position"].startswith("1:")
    assert told["event_type"] == "countermand.task.teleported.v1"
    assert "upgrade this process" in told["detail"]
    assert http.get(f"/tasks/{elsewhere}").status_code == 404
    assert http.get("/export").json()["type"] == told["type"]
    doctor = run(["doctor", "--json", "--url", str(ready.join("/"))], members.environment)
    found = {each["what"]: each["says"] for each in json.loads(doctor.stdout)}
    assert "partition 1 stands at" in found["service"]
    # What stands behind the newer release isn't known to be malformed yet.
    assert found["malformed records"].startswith("1, void and kept; the last: 2:")


def an_id_in(partition: int) -> str:
    ids = map(str, range(100))
    return next(id for id in ids if partition_of(f"acme/{id}".encode(), 4) == partition)


async def append(bootstrap: str, topic: Topic, key: str, *values: bytes) -> None:
    history = await open_kafka_log(Connection(bootstrap), topic, create=False)
    await history.append([Message(key, value) for value in values])
    await history.close()


def stopped(http: httpx.Client) -> str:
    """The id of a task that has been stopped."""
    task_id: str = http.post("/tasks", json=SLEEP).json()["id"]
    assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"] == "cancelled"
    return task_id


def subjects(receiver: Receiver) -> set[str]:
    return {each.json["data"]["event"]["subject"] for each in receiver.accepted()}


def stops_counted(http: httpx.Client) -> float:
    lines = http.get(httpx.URL(http.base_url).join("/metrics")).text.splitlines()
    found = [line for line in lines if line.startswith("countermand_cancels_stopped_total{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


def test_every_service_ends_when_it_is_told_to(members: Members) -> None:
    for member in members.all:
        if member.alive:
            assert member.stop() == 0, f"{member.service}: {member.said()[-4000:]}"


def test_a_service_says_what_it_is_missing() -> None:
    said = ended("executor", {"COUNTERMAND_KAFKA": "", "COUNTERMAND_POSTGRES": ""})
    assert "set COUNTERMAND_KAFKA" in said


def test_a_service_says_soon_that_nobody_is_there(members: Members) -> None:
    [port] = free_ports(1)
    nobody = {"COUNTERMAND_KAFKA": f"127.0.0.1:{port}", "COUNTERMAND_BROKER__START_SECONDS": "1"}
    said = ended("projector", {**members.environment, **nobody})
    assert f"Kafka can't be reached at 127.0.0.1:{port}" in said
    address = f"postgresql://us:hidden@127.0.0.1:{port}/countermand"
    said = ended("projector", {**members.environment, "COUNTERMAND_POSTGRES": address})
    assert "Check that PostgreSQL runs there" in said
    assert "hidden" not in said


async def test_a_projector_ahead_of_its_topic_says_so_and_ends(members: Members) -> None:
    """Somebody has made it anew: there are read models, and nothing that they follow from."""
    await asyncio.to_thread(projected_and_ended, members)
    admin = AIOKafkaAdminClient(bootstrap_servers=members.environment["COUNTERMAND_KAFKA"])
    await admin.start()
    await admin.delete_topics([members.history.name])
    await admin.close()
    said = await asyncio.to_thread(ended, "projector", members.environment)
    assert re.search(r"the read models have come to \d+:\d+, but the log ends at 0\.", said)
    assert "countermand rebuild --replace" in said
    assert "Traceback" not in said


def projected_and_ended(members: Members) -> None:
    """The read models have something, and nobody is there any more."""
    gateway, _ = members.start("gateway", "projector")
    with members.http(gateway) as http:
        # Somewhere else than the partition that no gateway of this release judges any further.
        task_id = waiting(http, id=an_id_in(STANDS_STILL + 2))
        until(lambda: http.get(f"/tasks/{task_id}/history").json().get("items"))
    for member in members.all:
        if member.alive:
            member.stop()


def ended(service: str, environment: Mapping[str, str]) -> str:
    """What a service says that can't start."""
    given = {name: value for name, value in environment.items() if value}
    done = run([service], given, PATIENCE_SECONDS)
    assert done.returncode == 5, done.stderr
    return done.stderr


def executor_of(http: httpx.Client, task_id: str) -> str:
    executor: str = http.get(f"/tasks/{task_id}").json()["executor"]
    return executor


def until_each_has_one(
    http: httpx.Client, members: Members, folder: Path, locks: dict[str, Path], max_attempts: int
) -> None:
    """Submits what holds a lock until every executor runs some, three at least."""
    executors = {each.where for each in members.of("executor")}
    while len(locks) < 3 or {executor_of(http, task_id) for task_id in locks} != executors:
        lock = folder / f"lock-{len(locks)}"
        asked = {"payload": {"lock": str(lock)}, "max_attempts": max_attempts}
        locks[running(http, "exclusive", **asked)] = lock
        until(lambda: held(lock))  # noqa: B023


def partitions_of(worker: Member) -> set[int]:
    """Of the pulse: those that a worker has said it has."""
    said = (json.loads(line) for line in worker.said().splitlines() if HAS_A_PARTITION in line)
    return {line["partition"] for line in said}


def until_attempt(http: httpx.Client, task_id: str, attempt: int) -> None:
    """Read the task's stream until this attempt is made."""
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=PATIENCE_SECONDS) as frames:
        for line in frames.iter_lines():
            if line.startswith("data: ") and f'"attempt":{attempt}' in line:
                return
    raise AssertionError(f"the stream of {task_id} ended before attempt {attempt}")


def until_feeds(projector: Member, partitions: int, since: int = 0) -> None:
    """So many. `since`: what it fed before is too long ago."""
    until(
        lambda: any(len(share) == partitions for share in shares_of(projector)[since:]),
        lambda: projector.said()[-4000:],
    )


def shares_of(projector: Member) -> list[list[int]]:
    """What a projector has said that it feeds, one time after the other."""
    said = (json.loads(line) for line in projector.said().splitlines() if line.startswith("{"))
    return [line["partitions"] for line in said if line["event"] == "feeds partitions"]


def until_says(member: Member, words: str, times: int) -> None:
    until(lambda: member.said().count(words) >= times, lambda: member.said()[-4000:])
