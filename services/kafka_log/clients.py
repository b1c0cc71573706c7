"""The clients of aiokafka, each with the settings that the log's guarantees need.

A client that can't connect yet is tried again until the patience is over: services and brokers may
be started in any order. Refused credentials end that at once: they won't become better.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, KafkaTimeoutError

from events.errors import LogUnavailable
from services.kafka_log.connection import Connection
from services.kafka_log.diagnosis import Refused, why_unreachable
from services.kafka_log.limits import BATCH_LIMIT_BYTES, Limits

CONNECT_PAUSE_SECONDS = 0.5
CLOSE_SECONDS = 10.0
GIVE_UP_SECONDS = 1.0
"""How long a producer that is closed may still try to deliver what nobody waits for any more."""

log = structlog.get_logger(__name__)


class Client(Protocol):
    async def start(self) -> None: ...


C = TypeVar("C", bound=Client)


async def open_producer(connection: Connection, limits: Limits) -> AIOKafkaProducer:
    """Idempotent: within its lifetime neither lost, nor doubled, nor out of order."""

    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **_arguments(connection, limits),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_LIMIT_BYTES,
            max_request_size=BATCH_LIMIT_BYTES,
        )

    return await _connected(connection, make, lambda producer: producer.stop(), limits)


async def open_consumer(
    connection: Connection, limits: Limits, group: str | None = None
) -> AIOKafkaConsumer:
    """What it shall read is assigned to it, and from where; a group is for committed offsets."""

    def make() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **_arguments(connection, limits),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_bytes=limits.fetch_limit_bytes,
            max_partition_fetch_bytes=BATCH_LIMIT_BYTES,
        )

    return await _connected(connection, make, close_consumer, limits)


async def open_admin(connection: Connection, limits: Limits) -> AIOKafkaAdminClient:
    """The first client of a service that starts: it waits as long as a start may."""

    def make() -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**_arguments(connection, limits))

    return await _connected(
        connection, make, lambda admin: admin.close(), limits, limits.start_seconds
    )


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """In a task of its own: aiokafka cancels tasks of its own and waits for them, and now and then
    lets that out as if it was its caller who is cancelled. A follower would end, and nobody know.
    """
    stopping = asyncio.create_task(consumer.stop())
    done, _ = await asyncio.wait({stopping}, timeout=CLOSE_SECONDS)
    if not done:
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.result()


async def close_producer(producer: AIOKafkaProducer, limits: Limits) -> None:
    """Let it deliver what it holds, but not for long."""
    stopping = asyncio.create_task(producer.stop())
    done, _ = await asyncio.wait({stopping}, timeout=GIVE_UP_SECONDS)
    if not done:
        # An idempotent producer tries for ever, and aiokafka has no public way to end that.
        # First nobody may be sending any more; only then can what is left be failed.
        producer._sender.sender_task.cancel()
        await asyncio.wait({stopping}, timeout=2 * limits.request_timeout_seconds)
        producer._message_accumulator.fail_all(KafkaTimeoutError("the producer was closed"))
    if not stopping.done():
        stopping.cancel()
    await asyncio.wait({stopping}, timeout=limits.request_timeout_seconds)


def _arguments(connection: Connection, limits: Limits) -> dict[str, Any]:
    request_timeout_ms = int(limits.request_timeout_seconds * 1000)
    return connection.arguments() | {"request_timeout_ms": request_timeout_ms}


async def _connected(
    connection: Connection,
    make: Callable[[], C],
    close: Callable[[C], Awaitable[None]],
    limits: Limits,
    patience_seconds: float | None = None,
) -> C:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (patience_seconds or limits.patience_seconds)
    said = False
    while True:
        client = make()
        try:
            async with asyncio.timeout_at(deadline):
                await client.start()
        except KafkaError as reason:
            await close(client)
            why = await _why(connection, limits, reason)
            if not reason.retriable or loop.time() + CONNECT_PAUSE_SECONDS > deadline:
                raise LogUnavailable(unreachable(connection, why)) from reason
            if not said:
                log.warning("waiting for Kafka", brokers=connection.bootstrap, why=why)
                said = True
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
        except TimeoutError as reason:
            await close(client)
            raise LogUnavailable(unreachable(connection, "it does not answer")) from reason
        except BaseException:
            await close(client)
            raise
        else:
            return client


async def _why(connection: Connection, limits: Limits, reason: KafkaError) -> str:
    """The client tells only that it failed. Raises LogUnavailable for what will stay so."""
    try:
        why = await why_unreachable(connection, limits.request_timeout_seconds)
    except Refused as refused:
        raise LogUnavailable(unreachable(connection, str(refused))) from reason
    return repr(reason) if why is None else why


def unreachable(connection: Connection, why: str) -> str:
    return f"Kafka can't be reached at {connection.bootstrap}: {why}"
