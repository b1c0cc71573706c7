"""The topic that holds a stream: created with what the log needs, and checked for it at each start.

A topic that could lose history, or order it anew, stops the service before it writes anything.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from events.errors import LogDamaged, LogUnavailable
from services.kafka_log.clients import open_admin
from services.kafka_log.connection import Connection
from services.kafka_log.limits import BATCH_LIMIT_BYTES, Limits

LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Topic:
    """What the settings say about a stream."""

    name: str
    partitions: int
    """For ever: with another number a key's events would go on in another partition."""
    replication: int | None = None
    """On how many brokers; by default what the brokers' own settings say."""
    retention_seconds: float | None = None
    """None keeps everything, as history must be."""
    foreign: bool = False
    """Others look after it, and it is only read here: no setting of it but the number of its
    partitions is ours to want."""

    @property
    def places(self) -> list[TopicPartition]:
        return [TopicPartition(self.name, number) for number in range(self.partitions)]

    @property
    def retention_ms(self) -> int:
        return -1 if self.retention_seconds is None else int(self.retention_seconds * 1000)


async def ensure(connection: Connection, topic: Topic, limits: Limits, *, create: bool) -> None:
    """Create the topic if it isn't there and may be created; raise LogDamaged if it won't do."""
    admin = await open_admin(connection, limits)
    try:
        replicas, settings = await _look(admin, topic, limits.start_seconds, create=create)
    except (TimeoutError, KafkaError) as reason:
        raise LogUnavailable(f"can't look at topic {topic.name!r}: {reason!r}") from reason
    finally:
        await admin.close()
    problems = list(_problems(topic, replicas, settings))
    if problems:
        raise LogDamaged(f"topic {topic.name!r} can't hold this stream: {'; '.join(problems)}")


async def _look(
    admin: AIOKafkaAdminClient, topic: Topic, seconds: float, *, create: bool
) -> tuple[Mapping[int, int], Mapping[str, str]]:
    """The topic's replicas and settings, as soon as there is one and a broker that knows it."""
    missing = False
    too_few: InvalidReplicationFactorError | None = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if missing and create:
                        await _create(admin, topic)
                    return await _replicas(admin, topic), await _settings(admin, topic)
                except UnknownTopicOrPartitionError:
                    # Once it is created, each broker learns of it in its own time.
                    missing = True
                except InvalidReplicationFactorError as reason:
                    # Brokers that start, or stood still for a while, are counted a moment later.
                    too_few = reason
                except KafkaError as reason:
                    if not reason.retriable:
                        raise
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        if too_few is None:
            raise
        raise LogDamaged(f"topic {topic.name!r} can't be created: {too_few}") from too_few


async def _replicas(admin: AIOKafkaAdminClient, topic: Topic) -> Mapping[int, int]:
    """Of each partition, on how many brokers it is kept."""
    [found] = await admin.describe_topics([topic.name])
    _raise_for(found["error_code"], topic.name)
    return {part["partition"]: len(part["replicas"]) for part in found["partitions"]}


async def _create(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(topic.retention_ms),
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(BATCH_LIMIT_BYTES),
        "unclean.leader.election.enable": "false",
    }
    if topic.replication is not None:
        settings["min.insync.replicas"] = str(_least_in_sync(topic.replication))
    # An empty assignment is aiokafka's way to leave the number of replicas to the brokers.
    assignment: dict[int, list[int]] | None = {} if topic.replication is None else None
    wanted = NewTopic(topic.name, topic.partitions, topic.replication or -1, assignment, settings)
    answer = await admin.create_topics([wanted])
    [(_, error_code, message)] = answer.topic_errors
    try:
        _raise_for(error_code, message)
    except TopicAlreadyExistsError:
        # Another process of ours was first.
        pass
    except InvalidReplicationFactorError:
        raise
    except KafkaError as reason:
        if reason.retriable:
            raise
        raise LogDamaged(f"topic {topic.name!r} can't be created: {reason}") from reason


async def _settings(admin: AIOKafkaAdminClient, topic: Topic) -> Mapping[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    [answer] = await admin.describe_configs([resource])
    [described] = answer.to_object()["resources"]
    _raise_for(described["error_code"], described["error_message"])
    entries: list[dict[str, Any]] = described["config_entries"]
    return {entry["config_names"]: entry["config_value"] for entry in entries}


def _raise_for(error_code: int, message: str | None) -> None:
    if error_code != 0:
        raise for_code(error_code)(message)


def _least_in_sync(replicas: int) -> int:
    """With one broker lost, what was acknowledged must still be on another."""
    return min(2, replicas)


def _problems(
    topic: Topic, replicas: Mapping[int, int], settings: Mapping[str, str]
) -> Iterator[str]:
    """Why this topic won't do, each with what to do about it."""
    if len(replicas) != topic.partitions:
        yield (
            f"it has {len(replicas)} partitions and {topic.partitions} are configured; the number "
            "can't be changed: set it back, or migrate to a new topic"
        )
    if topic.foreign:
        return
    required = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
    }
    if topic.retention_seconds is None:
        required |= {"retention.ms": "-1", "retention.bytes": "-1"}
    for name, value in required.items():
        if settings[name] != value:
            yield f"set {name}={value} (it is {settings[name]})"
    retention_ms = int(settings["retention.ms"])
    if topic.retention_seconds is not None and -1 < retention_ms < topic.retention_ms:
        yield f"set retention.ms={topic.retention_ms} (it is {retention_ms})"
    if int(settings["max.message.bytes"]) < BATCH_LIMIT_BYTES:
        yield f"set max.message.bytes={BATCH_LIMIT_BYTES} (it is {settings['max.message.bytes']})"
    least = _least_in_sync(min(replicas.values()))
    if int(settings["min.insync.replicas"]) < least:
        yield f"set min.insync.replicas={least} (it is {settings['min.insync.replicas']})"
