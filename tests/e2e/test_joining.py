"""Processes that join a service with a long past: soon at work, however much has ended before."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import httpx
import psutil
import psycopg
import pytest
from sqlalchemy import URL

from benchmarks.finished import finished_in_projects
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.e2e.asking import SLEEP, WAIT
from tests.e2e.members import Member, Members, members_on, until
from tests.e2e.running import until_running
from tests.proof_size import count
from tests.tallies import Tally

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(900),
]

FINISHED = count(small=2_000, full=30_000)
JOINS_SECONDS = 10.0
BUSY = 3
"""Where a machine is too busy for that with an empty log: so many times as long as it took then."""
WORK, WORK_SECONDS = 1.5, 0.5
"""A start may take so many times the processor time that it took with an empty log, and so much."""
PROJECTED_SECONDS = 300.0
APPENDED_AT_ONCE = 1_000
ALONE = ("env",)
"""Starts a process from nothing, modules and all."""


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {},
        lease_seconds=60,
    ) as found:
        found.start("gateway", "projector")
        yield found


def test_a_process_that_joins_is_soon_at_work_however_much_has_ended(
    members: Members, http: httpx.Client, kafka_broker: str, tally: Tally
) -> None:
    early = joined(members, http)
    asyncio.run(finish(kafka_broker, members.history, FINISHED))
    until(lambda: projected(members) >= FINISHED, seconds=PROJECTED_SECONDS)
    late = joined(members, http)
    tally(f"joined an empty log {told(early)}, one of {FINISHED:,} finished tasks {told(late)}")
    for service, (seconds, work_seconds) in late.items():
        assert seconds < max(JOINS_SECONDS, BUSY * early[service].seconds), service
        assert work_seconds < WORK * early[service].work_seconds + WORK_SECONDS, service


class Joined(NamedTuple):
    """What a process took until it was at work: of time, and of a processor."""

    seconds: float
    work_seconds: float


def told(joined: Mapping[str, Joined]) -> str:
    return ", ".join(
        f"{service} in {took.seconds:.1f} s ({took.work_seconds:.1f} s of a processor)"
        for service, took in joined.items()
    )


def joined(members: Members, http: httpx.Client) -> dict[str, Joined]:
    """From a start to the first run, and to the first cancel that is answered."""
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    executor, gateway = members.member("executor"), members.member("gateway")
    executor.launcher = gateway.launcher = ALONE
    began = time.monotonic()
    executor.launch()
    until_running(http, task_id)
    runs = Joined(time.monotonic() - began, processor_seconds(executor))
    began = time.monotonic()
    gateway.launch()
    gateway.until_up()
    with members.http(gateway) as there:
        receipt = there.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()
    answers = Joined(time.monotonic() - began, processor_seconds(gateway))
    assert receipt["status"] == "cancelled"
    for each in (gateway, executor):
        assert each.stop() == 0, each.said()[-3000:]
    return {"executor": runs, "gateway": answers}


def processor_seconds(member: Member) -> float:
    times = psutil.Process(member.pid).cpu_times()
    return times.user + times.system


async def finish(bootstrap: str, history: Topic, tasks: int) -> None:
    log = await open_kafka_log(Connection(bootstrap), history, create=False)
    past = finished_in_projects(tasks)
    while batch := list(islice(past, APPENDED_AT_ONCE)):
        await log.append(batch)
    await log.close()


def projected(members: Members) -> int:
    """How many entries are in the read models."""
    with psycopg.connect(members.environment["COUNTERMAND_POSTGRES"]) as database:
        [row] = database.execute("SELECT sum(next_offset) FROM read_models_0001.checkpoints")
    return int(row[0])
