"""The log on Kafka while its broker dies, stands still, comes back: a broker for this file."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from cluster.broker import KafkaBroker
from events.errors import LogUnavailable
from events.log import Message
from events.positions import BEGINNING, Position
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.topic import Topic

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 100
PATIENT = Limits(
    patience_seconds=100, start_seconds=100, request_timeout_seconds=2, silence_seconds=0.5
)
IMPATIENT = Limits(patience_seconds=3, request_timeout_seconds=1, silence_seconds=0.5)


def a_topic() -> Topic:
    return Topic(f"history-{uuid.uuid4().hex}", partitions=2)


@asynccontextmanager
async def a_log(
    broker: KafkaBroker, limits: Limits, topic: Topic | None = None
) -> AsyncIterator[KafkaLog]:
    topic = topic or a_topic()
    # Opened patiently: only what comes then is meant to fail.
    await (await open_kafka_log(Connection(broker.bootstrap), topic, PATIENT)).close()
    log = await open_kafka_log(Connection(broker.bootstrap), topic, limits)
    try:
        yield log
    finally:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await log.close()


async def followed(log: KafkaLog, count: int) -> list[bytes]:
    """The values of so many records, from a follower of the beginning."""
    values: list[bytes] = []
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(log.follow(BEGINNING)) as following:
        while len(values) < count:
            values += [record.value for record in await anext(following)]
    return values


async def test_an_append_waits_for_a_broker_that_was_killed(broker: KafkaBroker) -> None:
    async with a_log(broker, PATIENT) as log, asyncio.TaskGroup() as group:
        await log.append([Message("a", b"before")])
        following = group.create_task(followed(log, 2))
        broker.kill()
        waiting = group.create_task(log.append([Message("a", b"meanwhile")]))
        asking = group.create_task(log.end())
        await asyncio.to_thread(broker.start)

        [position] = await waiting
        await asking
        assert position.offset == 1
        assert await following == [b"before", b"meanwhile"]


async def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(broker: KafkaBroker) -> None:
    stop = asyncio.Event()

    async def append_on(log: KafkaLog, caller: int) -> dict[Position, bytes]:
        kept: dict[Position, bytes] = {}
        while not stop.is_set():
            value = b"%d/%d" % (caller, len(kept))
            [position] = await log.append([Message(f"key-{caller}", value)])
            kept[position] = value
        return kept

    async with a_log(broker, PATIENT) as log:
        async with asyncio.TaskGroup() as group:
            callers = [group.create_task(append_on(log, number)) for number in range(20)]
            await followed(log, 1000)
            broker.kill()
            await asyncio.to_thread(broker.start)
            await followed(log, 2000)
            stop.set()
        kept = {position: value for task in callers for position, value in task.result().items()}
        read = {record.position: record.value for record in await log.read(BEGINNING, 100_000)}
        while len(read) < len(kept):
            frontier = {p: sum(1 for at in read if at.partition == p) for p in (0, 1)}
            more = await log.read(frontier, 100_000)
            assert more
            read |= {record.position: record.value for record in more}
        assert read == kept


async def test_a_log_out_of_patience_says_so_and_works_again_later(broker: KafkaBroker) -> None:
    async with a_log(broker, IMPATIENT) as log:
        await log.append([Message("a", b"before")])
        await log.read(BEGINNING, 10)
        broker.pause()
        try:
            with pytest.raises(LogUnavailable):
                await log.append([Message("a", b"unknown")])
            with pytest.raises(LogUnavailable):
                await log.end()
            with pytest.raises(LogUnavailable):
                await log.read(BEGINNING, 10)
        finally:
            broker.resume()

        await until_appended(log, [Message("a", b"after")])
        values = [record.value for record in await log.read(BEGINNING, 10)]
        assert values[0] == b"before"
        assert values[-1] == b"after"
        assert set(values[1:-1]) <= {b"unknown", b"after"}


async def test_a_follower_out_of_patience_says_so(broker: KafkaBroker) -> None:
    async with a_log(broker, IMPATIENT) as log:
        await log.append([Message("a", b"before")])
        async with aclosing(log.follow(BEGINNING)) as following:
            await anext(following)
            broker.pause()
            try:
                with pytest.raises(LogUnavailable):
                    await anext(following)
            finally:
                broker.resume()


async def test_a_broker_that_stood_still_is_found_again(broker: KafkaBroker) -> None:
    async with a_log(broker, PATIENT) as log:
        await log.append([Message("a", b"before")])
        broker.pause()
        try:
            waiting = asyncio.create_task(log.append([Message("a", b"meanwhile")]))
            await asyncio.sleep(2 * PATIENT.request_timeout_seconds)  # requests have timed out
        finally:
            broker.resume()

        [position] = await waiting
        assert position.offset == 1
        assert await followed(log, 2) == [b"before", b"meanwhile"]


async def test_a_producer_that_has_failed_is_replaced(broker: KafkaBroker) -> None:
    topic = a_topic()
    async with a_log(broker, PATIENT, topic) as log:
        # Only from a producer that it knows does a broker expect the next number.
        await log.append([Message("a", b"before")])
        await limit_messages(broker, topic, 10_000)
        with pytest.raises(LogUnavailable, match="unknown whether"):
            await appended_on(log, [Message("a", b"x" * 100_000)])

        [position] = await log.append([Message("a", b"after")])
        [*_, last] = await log.read(BEGINNING, 100_000)
        assert (last.position, last.value) == (position, b"after")


async def test_a_log_can_be_closed_while_the_broker_is_away(broker: KafkaBroker) -> None:
    async with a_log(broker, IMPATIENT) as log:
        await log.append([Message("a", b"before")])
        broker.pause()
        try:
            with pytest.raises(LogUnavailable):
                await log.append([Message("a", b"unknown")])
            async with asyncio.timeout(10):
                await log.close()
        finally:
            broker.resume()


async def test_a_log_can_be_opened_before_the_broker_is_there(broker: KafkaBroker) -> None:
    broker.stop()
    async with asyncio.TaskGroup() as group:
        opening = group.create_task(
            open_kafka_log(Connection(broker.bootstrap), a_topic(), PATIENT)
        )
        await asyncio.to_thread(broker.start)
        log = await opening
        await log.append([Message("a", b"value")])
        await log.close()


async def appended_on(log: KafkaLog, messages: Sequence[Message]) -> None:
    """Append them again and again; a broker takes to a new setting in its own time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await log.append(messages)


async def until_appended(log: KafkaLog, messages: Sequence[Message]) -> None:
    """As every caller does it: repeat what is unknown."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await log.append(messages)
            except LogUnavailable:
                continue
            return


async def limit_messages(broker: KafkaBroker, topic: Topic, size_bytes: int) -> None:
    """Make the topic refuse what the log was promised to be able to store."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    settings = {"max.message.bytes": str(size_bytes)}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)])
    await admin.close()
