"""Three brokers, which die in turn: under the log alone, and under services. Of these those die
that matter most: who leads a partition of the history, and who keeps the pulse's group."""

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from sqlalchemy import URL

from cluster.broker import KafkaBroker
from cluster.broker_cluster import KafkaCluster
from cluster.probe import coordinator_of, leader_of
from events.errors import LogDamaged, LogUnavailable
from events.log import Message
from events.run_events import RunLost, RunReleased
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.topic import Topic
from services.kafka_log.writer import partition_of
from services.pulse_worker.rows import LAYOUT
from tests.chaos.appends import Appends, follow
from tests.chaos.callers import ENDS_SECONDS, Callers
from tests.chaos.hindsight import looked_at
from tests.chaos.locks import held
from tests.chaos.promises import check_promises, summary
from tests.e2e.drawn_pulse import drawn, essence
from tests.e2e.members import EXCLUSIVE, Members, members_on, until
from tests.proof_size import count
from tests.tallies import Tally

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(900),
]

KILLS = count(small=1, full=4)
OUTAGES = count(small=1, full=3)
OUTAGE_SECONDS = count(small=5, full=20)
STOPPED_PER_KILL = 12
CALLERS = 3
KEPT = 3
APPENDING = 10
PARTITIONS = 3
LEASE_SECONDS = 120
HEARD_OF_SECONDS = 60
WAIT = {"prefer": "wait=5"}


@pytest.fixture(scope="module")
def members(
    brokers: KafkaCluster, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        brokers.bootstrap,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_BROKER__REPLICATION": "3",
            "COUNTERMAND_BROKER__REQUEST_TIMEOUT_SECONDS": "2",
            **EXCLUSIVE,
            "COUNTERMAND_GATEWAY__APPEND_WAIT_SECONDS": "3",
        },
        lease_seconds=LEASE_SECONDS,
        partitions=PARTITIONS,
    ) as found:
        found.start("gateway", "executor", "executor", "projector", "watchdog", "pulse-worker")
        yield found


@dataclass
class Stopping:
    """One caller after the other starts what would run for ever, and stops it."""

    callers: Callers
    folder: Path
    over: threading.Event = field(default_factory=threading.Event)
    stopped: int = 0
    """So many are known to be `cancelled`."""
    wrong: list[str] = field(default_factory=list)

    def begin(self) -> tuple[str, Path]:
        """A task that runs."""
        lock = self.folder / uuid.uuid4().hex
        asked = {"kind": "exclusive", "payload": {"lock": str(lock)}, "max_attempts": 5}
        task_id = self.callers.submit(asked)
        until(lambda: held(lock), lambda: f"{task_id} isn't run", ENDS_SECONDS)
        return task_id, lock

    def go_on(self) -> None:
        while not self.over.is_set():
            self.stop(*self.begin())

    def stop(self, task_id: str, lock: Path) -> None:
        said = self.callers.cancel(task_id, "graceful", WAIT)
        self.check(said.get("status"), task_id, lock)
        while (status := self.callers.status(task_id)) != "cancelled":
            self.check(status, task_id, lock)
            time.sleep(0.1)
        self.check(status, task_id, lock)
        self.stopped += 1

    def check(self, status: str | None, task_id: str, lock: Path) -> None:
        if status == "cancelled" and held(lock):
            self.wrong.append(f"{task_id} is said to be cancelled, and runs")

    def until_more(self, stops: int) -> None:
        wanted = self.stopped + stops
        until(
            lambda: self.stopped >= wanted,
            lambda: f"{wanted - self.stopped} stops are missing",
            ENDS_SECONDS,
        )


async def test_nothing_acknowledged_is_lost_when_each_broker_dies_in_turn(
    brokers: KafkaCluster,
) -> None:
    topic = Topic(f"history-{uuid.uuid4().hex}", partitions=3, replication=3)
    log = await open_kafka_log(
        Connection(brokers.bootstrap),
        topic,
        Limits(patience_seconds=100, request_timeout_seconds=3),
    )
    appends = Appends(log)
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(follow(log, ended))
        async with asyncio.TaskGroup() as callers:
            for number in range(APPENDING):
                callers.create_task(appends.caller(f"key-{number}"))
            for kill in range(count(small=1, full=6)):
                broker = brokers.brokers[kill % len(brokers.brokers)]
                broker.kill()
                await appends.more(100)
                await asyncio.to_thread(broker.start)
                await asyncio.to_thread(brokers.wait_until_in_sync)
            appends.stop.set()
        ended.set()
        # Whoever follows is woken, and sees that it is over.
        await log.append([Message("last", b"last")])
    await log.close()

    assert appends.acknowledged.items() <= following.result().items()


async def test_a_topic_in_which_one_broker_alone_acknowledges_is_refused(
    brokers: KafkaCluster,
) -> None:
    topic = Topic(f"history-{uuid.uuid4().hex}", partitions=3, replication=3)
    connection = Connection(brokers.bootstrap)
    await (await open_kafka_log(connection, topic)).close()
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.bootstrap)
    await admin.start()
    alone = {"min.insync.replicas": "1"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, alone)])
    await admin.close()
    with pytest.raises(LogDamaged, match=r"set min\.insync\.replicas=2 \(it is 1\)"):
        await until_refused(connection, topic)


async def until_refused(connection: Connection, topic: Topic) -> None:
    """A broker takes to a new setting in its own time."""
    async with asyncio.timeout(HEARD_OF_SECONDS):
        while True:
            await (await open_kafka_log(connection, topic)).close()


def test_whoever_leads_dies_in_turn_and_nothing_is_lost_or_run_twice(
    members: Members, brokers: KafkaCluster, tmp_path: Path, tally: Tally
) -> None:
    callers = Callers(members, Random(0))
    stopping = Stopping(callers, tmp_path)
    kept = [stopping.begin() for _ in range(KEPT)]
    with busy(stopping):
        kill_in_turn(members, brokers, stopping)
    told = check_all(members, brokers, stopping, kept)
    tally(f"{KILLS} brokers killed, {told}")


def test_without_most_brokers_nothing_is_promised_and_with_one_more_all_goes_on(
    members: Members, brokers: KafkaCluster, tmp_path: Path, tally: Tally
) -> None:
    """With one of three nothing can be stored, and callers are told so, in time. Every other time
    that one dies, too, and all come back."""
    for broker in brokers.brokers:
        if not broker.alive:
            broker.start()
    brokers.wait_until_in_sync()
    callers = Callers(members, Random(1))
    stopping = Stopping(callers, tmp_path)
    kept = [stopping.begin() for _ in range(KEPT)]
    refused = 0
    with asyncio.Runner() as runner, busy(stopping):
        # Each broker leads a partition of it, also the one that is left.
        bystander = runner.run(opened(brokers))
        assert runner.run(stored_in_each(bystander)) == [True] * PARTITIONS
        for outage in range(OUTAGES):
            # Who leads a partition of the history is among them.
            first = leader_of(brokers.bootstrap, members.history.name, 0)
            number = next(n for n in (outage % 3 + 1, (outage + 1) % 3 + 1) if n != first)
            dead = [brokers.broker(first), brokers.broker(number)]
            [left] = (broker for broker in brokers.brokers if broker not in dead)
            before = callers.answers[503]
            for broker in dead:
                broker.kill()
            until(
                lambda: callers.answers[503] >= before + 2 * CALLERS,  # noqa: B023
                lambda: f"who isn't heard is told so: {callers.answers}",
            )
            stored = runner.run(stored_in_each(bystander))
            assert stored == [False] * PARTITIONS, "one broker alone has acknowledged"
            time.sleep(OUTAGE_SECONDS)
            refused += callers.answers[503] - before
            back = dead[:1]
            if outage % 2 == 0:
                left.kill()
                back = [*dead, left]
            for broker in back:
                broker.launch()
            stopping.until_more(STOPPED_PER_KILL)
            for broker in dead:
                if not broker.alive:
                    broker.start()
            brokers.wait_until_in_sync()
        assert runner.run(stored_in_each(bystander)) == [True] * PARTITIONS
        runner.run(bystander.close())
    told = check_all(members, brokers, stopping, kept)
    tally(f"{OUTAGES} times two brokers killed at once, {refused} times refused, {told}")


async def opened(brokers: KafkaCluster) -> KafkaLog:
    return await open_kafka_log(
        Connection(brokers.bootstrap),
        Topic(f"history-{uuid.uuid4().hex}", PARTITIONS, replication=3),
        Limits(patience_seconds=10, request_timeout_seconds=2),
    )


async def stored_in_each(log: KafkaLog) -> list[bool]:
    """By partition, whether an append of one event is acknowledged."""
    keys = {partition_of(f"{n}".encode(), PARTITIONS): f"{n}" for n in range(20)}
    appends = [log.append([Message(keys[each], b"here?")]) for each in range(PARTITIONS)]
    found = await asyncio.gather(*appends, return_exceptions=True)
    assert all(isinstance(each, LogUnavailable | list) for each in found), found
    return [isinstance(each, list) for each in found]


@contextmanager
def busy(stopping: Stopping) -> Iterator[None]:
    """Callers who go on until this is over; each has come through by then, and has no complaint."""
    with ThreadPoolExecutor(CALLERS) as threads:
        callers = [threads.submit(stopping.go_on) for _ in range(CALLERS)]
        try:
            stopping.until_more(CALLERS)
            yield
        finally:
            stopping.over.set()
        for each in callers:
            each.result(ENDS_SECONDS)


def check_all(
    members: Members, brokers: KafkaCluster, stopping: Stopping, kept: Sequence[tuple[str, Path]]
) -> str:
    """When all is over: what ran goes on, and the whole history keeps the promises."""
    callers = stopping.callers
    for task_id, lock in kept:
        assert held(lock), "a run was aborted because a broker died"
        stopping.stop(task_id, lock)
    assert stopping.wrong == []
    assert list(stopping.folder.glob("*.twice")) == []
    onlooker = asyncio.run(looked_at(brokers.bootstrap, members.history, uuid.uuid4().hex))
    check_promises(onlooker, callers.submitted)
    known = {str(entry.event.id) for entry in onlooker.entries if entry.event is not None}
    assert set(callers.accepted) <= known, "an accepted cancel isn't in the history"
    given_up = [
        entry.event
        for entry in onlooker.entries
        if entry.event is not None and isinstance(entry.event.data, RunLost | RunReleased)
    ]
    assert given_up == [], "no executor was away"
    for member in members.all:
        assert member.alive, f"{member.service} has ended: {member.said()[-3000:]}"
    expected = essence(drawn(onlooker.entries))
    with members.http(members.of("gateway")[0]) as http:
        until(
            lambda: essence(http.get("/pulse").json()) == expected,
            lambda: f"{essence(http.get('/pulse').json())}\n{expected}",
        )
    # A gateway that can't do what it is asked says so before its caller gives up.
    assert callers.unanswered == {}
    return f"answers {dict(callers.answers)}, {summary(onlooker, callers.submitted)}"


def kill_in_turn(members: Members, brokers: KafkaCluster, stopping: Stopping) -> None:
    dead: KafkaBroker | None = None
    history = members.history
    group = f"{history.name.removesuffix('history')}pulse-{LAYOUT}"
    for kill in range(KILLS):
        if dead is not None:
            dead.start()
            brokers.wait_until_in_sync()
        if kill % 2:
            number = coordinator_of(brokers.bootstrap, group)
        else:
            number = leader_of(brokers.bootstrap, history.name, kill % history.partitions)
        dead = brokers.broker(number)
        dead.kill()
        stopping.until_more(STOPPED_PER_KILL)
