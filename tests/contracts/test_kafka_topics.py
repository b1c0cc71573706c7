"""A topic that could lose history, or reorder it, stops whoever opens it, and says why."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError

from events.errors import LogDamaged, LogUnavailable
from events.log import Message
from events.positions import BEGINNING
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic

pytestmark = pytest.mark.kafka
PATIENCE_SECONDS = 60
A_DAY_SECONDS = 86_400


@pytest.fixture
async def admin(kafka_broker: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker)
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
def topic() -> Topic:
    return Topic(f"topic-{uuid.uuid4().hex}", partitions=2)


async def open_and_close(broker: str, topic: Topic, *, create: bool = True) -> None:
    log = await open_kafka_log(Connection(broker), topic, create=create)
    await log.close()


async def change(admin: AIOKafkaAdminClient, topic: Topic, settings: Mapping[str, str]) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(settings))
    await admin.alter_configs([resource])


async def test_a_topic_of_ours_is_accepted_again(kafka_broker: str, topic: Topic) -> None:
    await asyncio.gather(*(open_and_close(kafka_broker, topic) for _ in range(3)))
    await open_and_close(kafka_broker, topic, create=False)


async def test_a_changed_number_of_partitions_is_refused(kafka_broker: str, topic: Topic) -> None:
    await open_and_close(kafka_broker, topic)
    with pytest.raises(LogDamaged, match="it has 2 partitions and 3 are configured"):
        await open_and_close(kafka_broker, Topic(topic.name, partitions=3))


OURS = {
    "cleanup.policy": "delete",
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "-1",
    "retention.bytes": "-1",
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("retention.ms", "86400000"),
        ("retention.bytes", "1000000000"),
        ("cleanup.policy", "compact"),
        ("message.timestamp.type", "CreateTime"),
        ("unclean.leader.election.enable", "true"),
        ("max.message.bytes", "1000"),
    ],
)
async def test_a_setting_that_would_lose_history_is_refused(
    kafka_broker: str, topic: Topic, admin: AIOKafkaAdminClient, setting: str, value: str
) -> None:
    await admin.create_topics([NewTopic(topic.name, 2, 1, None, OURS | {setting: value})])
    with pytest.raises(LogDamaged, match=f"set {setting}="):
        await open_and_close(kafka_broker, topic)


async def test_all_that_is_wrong_is_said_at_once(
    kafka_broker: str, topic: Topic, admin: AIOKafkaAdminClient
) -> None:
    await admin.create_topics([NewTopic(topic.name, 1, 1)])
    with pytest.raises(LogDamaged, match=r"partitions.*timestamp.*retention"):
        await open_and_close(kafka_broker, topic)


async def test_a_stream_with_retention_takes_what_is_kept_longer(
    kafka_broker: str, topic: Topic, admin: AIOKafkaAdminClient
) -> None:
    output = Topic(topic.name, topic.partitions, retention_seconds=A_DAY_SECONDS)
    await open_and_close(kafka_broker, output)
    await change(admin, topic, OURS | {"retention.ms": "1000"})
    with pytest.raises(LogDamaged, match=r"set retention\.ms=86400000"):
        await open_and_close(kafka_broker, output)
    await change(admin, topic, OURS)
    await open_and_close(kafka_broker, output)


async def test_more_replicas_than_brokers_are_refused(kafka_broker: str, topic: Topic) -> None:
    wanted = Topic(topic.name, 2, replication=100)
    with pytest.raises(LogDamaged, match=r"can't be created.*replication factor"):
        await open_kafka_log(Connection(kafka_broker), wanted, Limits(start_seconds=1))


async def test_a_topic_is_made_as_soon_as_its_brokers_count(
    kafka_broker: str, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has just come, or was away, isn't among those that can keep a partition yet."""
    create = AIOKafkaAdminClient.create_topics
    wanted: list[NewTopic] = []

    async def create_later(self: AIOKafkaAdminClient, topics: list[NewTopic]) -> Any:
        wanted.extend(topics)
        if len(wanted) == 1:
            refusal = (topic.name, InvalidReplicationFactorError.errno, "All brokers are fenced.")
            return SimpleNamespace(topic_errors=[refusal])
        return await create(self, topics)

    monkeypatch.setattr(AIOKafkaAdminClient, "create_topics", create_later)
    await open_and_close(kafka_broker, topic)
    assert [each.name for each in wanted] == [topic.name] * 2


async def test_a_reader_creates_nothing(kafka_broker: str, topic: Topic) -> None:
    limits = Limits(start_seconds=0.5)
    with pytest.raises(LogUnavailable):
        await open_kafka_log(Connection(kafka_broker), topic, limits, create=False)


async def test_what_retention_has_removed_is_passed_over(
    kafka_broker: str, topic: Topic, admin: AIOKafkaAdminClient
) -> None:
    output = Topic(topic.name, partitions=1, retention_seconds=A_DAY_SECONDS)
    log = await open_kafka_log(Connection(kafka_broker), output)
    await log.append([Message("a", b"%d" % number) for number in range(10)])
    await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(6)})

    read = await log.read(BEGINNING, 100)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(log.follow(BEGINNING)) as following:
        followed = await anext(following)
    await log.close()

    assert [record.value for record in read] == [b"6", b"7", b"8", b"9"]
    assert list(followed) == list(read)


async def test_history_that_was_removed_is_a_disaster(
    kafka_broker: str, topic: Topic, admin: AIOKafkaAdminClient
) -> None:
    log = await open_kafka_log(Connection(kafka_broker), Topic(topic.name, partitions=1))
    await log.append([Message("a", b"%d" % number) for number in range(10)])
    await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(6)})

    with pytest.raises(LogDamaged, match="lost its records before offset 6"):
        await log.read(BEGINNING, 100)
    async with aclosing(log.follow(BEGINNING)) as following:
        with pytest.raises(LogDamaged, match="lost its records before offset 6"):
            await anext(following)
    await log.close()


async def test_a_follower_whose_place_is_behind_the_end_is_told(
    kafka_broker: str, topic: Topic
) -> None:
    log = await open_kafka_log(Connection(kafka_broker), topic)
    async with aclosing(log.follow({1: 5})) as following:
        with pytest.raises(LogDamaged, match="ends before offset 5"):
            await anext(following)
    await log.close()


async def test_marks_of_somebodys_transactions_are_no_records(
    kafka_broker: str, topic: Topic
) -> None:
    log = await open_kafka_log(Connection(kafka_broker), topic)
    [position] = await log.append([Message("a", b"ours")])
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka_broker, transactional_id=topic.name) as foreign,
        foreign.transaction(),
    ):
        await foreign.send_and_wait(topic.name, b"theirs", partition=position.partition)

    first = await log.read(BEGINNING, 100)
    rest = await log.read({position.partition: position.offset + 2}, 100)
    await log.close()

    assert [record.value for record in first] == [b"ours", b"theirs"]
    assert list(rest) == []
