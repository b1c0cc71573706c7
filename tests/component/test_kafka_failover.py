"""The log on three brokers, each of which is killed in turn while appends and a follower go on."""

import asyncio
import uuid
from contextlib import aclosing

import pytest

from cluster.broker_cluster import KafkaCluster
from events.errors import LogUnavailable
from events.log import Message
from events.positions import BEGINNING, Position
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.topic import Topic
from tests.proof_size import count

CALLERS = 10
PATIENCE_SECONDS = 100


class Appends:
    """Callers that append on and on, each under its own key, and repeat what is unknown."""

    def __init__(self, log: KafkaLog) -> None:
        self._log = log
        self.stop = asyncio.Event()
        self.acknowledged: dict[Position, bytes] = {}
        self._wanted = 0
        self._reached = asyncio.Event()

    async def caller(self, key: str) -> None:
        number = 0
        while not self.stop.is_set():
            value = f"{key}#{number}".encode()
            try:
                [position] = await self._log.append([Message(key, value)])
            except LogUnavailable:
                continue
            self.acknowledged[position] = value
            number += 1
            if len(self.acknowledged) >= self._wanted:
                self._reached.set()

    async def more(self, appends: int) -> None:
        """Wait until so many more are acknowledged."""
        self._wanted = len(self.acknowledged) + appends
        self._reached.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reached.wait()


async def follow(log: KafkaLog, until: asyncio.Event) -> dict[Position, bytes]:
    """Everything there is, each record once and in order, up to the log's end after `until`."""
    found: dict[Position, bytes] = {}
    frontier = dict.fromkeys(await log.end(), 0)
    async with aclosing(log.follow(BEGINNING)) as following:
        while not (until.is_set() and frontier == await log.end()):
            async with asyncio.timeout(PATIENCE_SECONDS):
                batch = await anext(following)
            for record in batch:
                partition, offset = record.position
                assert offset == frontier[partition]
                frontier[partition] += 1
                found[record.position] = record.value
    return found


@pytest.mark.kafka
@pytest.mark.prove
@pytest.mark.timeout(1800)
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
            for number in range(CALLERS):
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
