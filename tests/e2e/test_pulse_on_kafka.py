"""The workers of the pulse on a real broker: killed, joined by others, robbed of their memory."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import URL

from events.log import Message
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.e2e.commands import REPOSITORY
from tests.e2e.members import Member, Members, members_on, until
from tests.e2e.running import until_running

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.timeout(400),
]

PATIENCE_SECONDS = 90.0
LEASE_SECONDS = 6.0
WAIT = {"prefer": "wait=30"}
SLEEP = {"kind": "sleep", "payload": {"seconds": 600}}


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {},
        lease_seconds=LEASE_SECONDS,
        partitions=3,
    ) as found:
        found.start("gateway", "executor", "projector", "pulse-worker")
        yield found


def worker(members: Members) -> Member:
    [alive] = members.of("pulse-worker")
    return alive


def said(members: Members) -> str:
    """By all workers, dead or alive."""
    workers = [each for each in members.all if each.service == "pulse-worker"]
    return "\n".join(each.said()[-2000:] for each in workers)


def stop_some(http: httpx.Client, count: int = 4) -> None:
    tasks = [http.post("/tasks", json=SLEEP).json()["id"] for _ in range(count)]
    for task_id in tasks:
        until_running(http, task_id)
        assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"] == "cancelled"


def stopped(http: httpx.Client) -> int:
    """How many stops the pulse has counted in a day."""
    evidence: dict[str, int] = http.get("/pulse").json()["windows"]["24h"]["evidence"]
    return sum(evidence.values())


def until_stopped(http: httpx.Client, members: Members, count: int) -> None:
    """Until the pulse has counted so many stops: no fewer, and never more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (counted := stopped(http)) != count:
        assert counted < count, f"{counted} of {count}: {said(members)}"
        assert time.monotonic() < deadline, f"{counted} of {count}: {said(members)}"
        time.sleep(0.1)


def test_every_stop_is_counted_once_whoever_counts(members: Members, http: httpx.Client) -> None:
    stop_some(http)
    until_stopped(http, members, 4)
    # One more worker: some partitions move, with their rows.
    [second] = members.start("pulse-worker")
    until(lambda: "has a partition" in second.said())
    stop_some(http)
    until_stopped(http, members, 8)
    # The first one is killed, and the second one takes what it had.
    next(each for each in members.all if each.service == "pulse-worker").kill()
    stop_some(http)
    until_stopped(http, members, 12)


def test_a_live_stop_is_shown_until_it_ends(members: Members, http: httpx.Client) -> None:
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, task_id)
    [executor] = members.of("executor")
    executor.kill()
    http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "respond-async"})
    until(lambda: http.get("/pulse").json()["stopping"] == 1)
    members.start("watchdog", "executor")
    until(lambda: http.get("/pulse").json()["stopping"] == 0)
    assert http.get(f"/tasks/{task_id}").json()["evidence"] == "presumed"


def test_a_poisoned_record_stops_no_worker(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    before = stopped(http)
    asyncio.run(poison(kafka_broker, members.history))
    stop_some(http)
    until_stopped(http, members, before + 4)
    assert worker(members).alive


def test_numbers_are_right_when_the_changelog_was_deleted(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    before = stopped(http)
    assert worker(members).stop() == 0
    assert asyncio.run(delete_changelogs(kafka_broker, members.history))
    stop_some(http)
    members.start("pulse-worker")
    until_stopped(http, members, before + 4)


def test_workers_leave_nothing_where_they_were_started(members: Members) -> None:
    prefix = members.history.name.removesuffix("history")
    assert list(REPOSITORY.glob(f"{prefix}*")) == []


def test_workers_end_when_they_are_told_to(members: Members) -> None:
    assert worker(members).stop() == 0, worker(members).said()[-4000:]


async def poison(bootstrap: str, topic: Topic) -> None:
    history = await open_kafka_log(Connection(bootstrap), topic, create=False)
    for number in range(2 * topic.partitions):
        await history.append([Message(f"acme/poison-{number}", b"\xff no event of ours")])
    await history.close()


async def delete_changelogs(bootstrap: str, history: Topic) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = await admin.list_topics()
    found = [
        each
        for each in topics
        if each.startswith(history.name.removesuffix("history")) and "changelog" in each
    ]
    await admin.delete_topics(found)
    await admin.close()
    return found
