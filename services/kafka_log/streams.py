"""The three streams of a service on Kafka: opened together, each on a topic of its own."""

from contextlib import AsyncExitStack
from typing import NamedTuple

from services.kafka_log.connection import Connection, Sasl, Tls
from services.kafka_log.limits import SILENCE_SECONDS, Limits
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.topic import Topic

HEARTBEAT_PARTITIONS = 1


class Streams(NamedTuple):
    history: KafkaLog
    output: KafkaLog
    heartbeats: KafkaLog


def connection_to(bootstrap: str, settings: BrokerSettings) -> Connection:
    """How these settings say that the brokers are reached."""
    tls = sasl = None
    if settings.tls:
        key_password = settings.tls_key_password
        tls = Tls(
            ca_file=settings.tls_ca_file,
            certificate_file=settings.tls_certificate_file,
            key_file=settings.tls_key_file,
            key_password=None if key_password is None else key_password.get_secret_value(),
        )
    if settings.username is not None and settings.password is not None:
        password = settings.password.get_secret_value()
        sasl = Sasl(settings.username, password, settings.sasl_mechanism)
    return Connection(bootstrap, tls, sasl)


def limits_of(settings: BrokerSettings) -> Limits:
    return Limits(
        patience_seconds=settings.patience_seconds,
        start_seconds=settings.start_seconds,
        request_timeout_seconds=settings.request_timeout_seconds,
        # Who asks only after its patience would take every silence for an outage.
        silence_seconds=min(SILENCE_SECONDS, settings.patience_seconds / 4),
    )


def topics_of(settings: BrokerSettings) -> tuple[Topic, Topic, Topic]:
    """History, output, heartbeats."""
    prefix, partitions, copies = settings.topic_prefix, settings.partitions, settings.replication
    return (
        Topic(f"{prefix}-history", partitions, copies),
        Topic(f"{prefix}-output", partitions, copies, settings.output_keep_seconds),
        Topic(
            f"{prefix}-heartbeats", HEARTBEAT_PARTITIONS, copies, settings.heartbeats_keep_seconds
        ),
    )


async def open_streams(bootstrap: str, settings: BrokerSettings, opened: AsyncExitStack) -> Streams:
    """Topics that aren't there are created; all are checked. Whoever owns the stack closes."""
    connection, limits = connection_to(bootstrap, settings), limits_of(settings)
    logs = []
    for topic in topics_of(settings):
        log = await open_kafka_log(connection, topic, limits)
        opened.push_async_callback(log.close)
        logs.append(log)
    return Streams(*logs)
