"""What Kafka's own tools are told of the projectors."""

import uuid

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.kafka_log.connection import Connection
from services.kafka_log.lag import open_lag
from services.kafka_log.limits import Limits
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic

pytestmark = pytest.mark.kafka


async def test_projectors_tell_how_far_each_of_their_partitions_is(kafka_broker: str) -> None:
    connection, limits = Connection(kafka_broker), Limits()
    topic, group = Topic(f"history-{uuid.uuid4().hex}", 2), f"lag-{uuid.uuid4().hex}"
    await (await open_kafka_log(connection, topic)).close()
    # Two processes of the group, neither of which is a member.
    one, other = [await open_lag(connection, topic, limits, group) for _ in range(2)]
    await one.tell({0: 5})
    await other.tell({1: 7})
    await one.tell({0: 6})
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker)
    await admin.start()
    told = await admin.list_consumer_group_offsets(group)
    await admin.close()
    assert {place.partition: found.offset for place, found in told.items()} == {0: 6, 1: 7}
    assert set(told) == {TopicPartition(topic.name, 0), TopicPartition(topic.name, 1)}
    await one.close()
    await other.close()
