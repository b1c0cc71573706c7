"""What others read from the topics, with no code of ours: the CloudEvents binding to Kafka, in its
structured mode."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from events.event import Event, encode
from events.log import Log, Message, message
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.golden.samples import FULL, full_event, minimal_event

pytestmark = pytest.mark.kafka

PATIENCE_SECONDS = 60
EVENTS = [made(body) for body in FULL for made in (minimal_event, full_event)]
REQUIRED = ("id", "source", "specversion", "type")
STRUCTURED = "application/cloudevents+json"


@asynccontextmanager
async def a_log(broker: str) -> AsyncIterator[tuple[Topic, Log]]:
    topic = Topic(f"history-{uuid.uuid4().hex}", partitions=1)
    log = await open_kafka_log(Connection(broker), topic)
    yield topic, log
    await log.close()


async def raw(broker: str, topic: Topic, records: int) -> list[ConsumerRecord[bytes, bytes]]:
    """As the broker has them."""
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        AIOKafkaConsumer(bootstrap_servers=broker, group_id=None) as consumer,
    ):
        partition = TopicPartition(topic.name, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [await consumer.getone() for _ in range(records)]


async def test_every_event_is_a_structured_cloudevent_to_whoever_reads_the_topic(
    kafka_broker: str,
) -> None:
    async with a_log(kafka_broker) as (topic, log):
        await log.append([message(event) for event in EVENTS])
        records = await raw(kafka_broker, topic, len(EVENTS))

    for event, record in zip(EVENTS, records, strict=True):
        check(event, record)


def check(event: Event, record: "ConsumerRecord[bytes, bytes]") -> None:
    names = [name for name, _ in record.headers]
    headers = dict(record.headers)
    # No header comes twice, and each is text.
    assert len(names) == len(headers)
    for name, value in record.headers:
        assert re.fullmatch(r"[a-z_-]+", name)
        value.decode("utf-8")
    # The content type decides the mode (section 3 of the binding); `ce_` is the binary mode's.
    assert headers["content-type"] == STRUCTURED.encode()
    assert not [name for name in names if name.startswith("ce_")]
    # The value is the event, whole; required attributes are texts that say something.
    assert record.value == encode(event)
    told = json.loads(record.value)
    assert all(isinstance(told[name], str) and told[name] for name in REQUIRED)
    assert told["specversion"] == "1.0"
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in told if name != "data")
    # Somebody else's reader finds the same.
    found = from_kafka(
        KafkaMessage(headers=headers, key=record.key, value=record.value),
        JSONFormat(),
        CloudEvent,
    )
    assert (found.get_id(), found.get_source()) == (str(event.id), event.source)
    assert (found.get_type(), found.get_subject()) == (event.type, event.subject)
    assert found.get_time() == event.time
    # Copies, for filters that don't read values.
    assert {
        name: headers[f"countermand_{name}"].decode()
        for name in ("id", "type", "subject", "organization")
    } == {name: told[name] for name in ("id", "type", "subject", "organization")}
    # What is of one root is of one key, and in order.
    assert record.key == event.key.encode()


async def test_bytes_that_are_no_event_are_not_said_to_be_one(kafka_broker: str) -> None:
    async with a_log(kafka_broker) as (topic, log):
        await log.append([Message("k", b"\xff no event")])
        [record] = await raw(kafka_broker, topic, 1)

    assert record.value == b"\xff no event"
    assert record.headers == ()
