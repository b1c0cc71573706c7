"""Appends to a topic by one idempotent producer, which is replaced when it has failed.

After a failed batch the producer's own numbering has a gap, and the broker refuses whatever comes
next: going on with it would never work again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2

from events.errors import EventTooLarge, LogUnavailable
from events.log import Message, Record
from events.positions import Position
from services.kafka_log.chain import Chain
from services.kafka_log.clients import close_producer, open_producer
from services.kafka_log.connection import Connection
from services.kafka_log.limits import ENVELOPE_LIMIT_BYTES, Limits
from services.kafka_log.topic import Topic
from services.patience import Patience


class Writer:
    def __init__(
        self,
        connection: Connection,
        topic: Topic,
        limits: Limits,
        last_stored: Callable[[int], Awaitable[Record | None]],
    ) -> None:
        """`last_stored`: what stands last in a partition."""
        self._last_stored = last_stored
        self._connection = connection
        self._topic = topic
        self._limits = limits
        self._patience = Patience(limits.patience_seconds, TimeoutError)
        self._producer: AIOKafkaProducer | None = None
        self._failed: list[AIOKafkaProducer] = []
        self._chain = Chain()
        # Appends are handed over one after the other, in the order in which they began. It takes
        # no time unless a batch is full, the topic's leaders are unknown, or the producer is new.
        self._handing_over = asyncio.Lock()
        self._appends = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def append(self, messages: Sequence[Message]) -> list[Position]:
        for one in messages:
            self._check_size(one)
        self._appends += 1
        self._idle.clear()
        try:
            return await self._store(messages)
        finally:
            self._appends -= 1
            if self._appends == 0:
                self._idle.set()

    async def close(self) -> None:
        """Let the appends that have begun end; they do so within the patience."""
        await self._idle.wait()
        self._patience.stop()
        producers = [*self._failed, *([self._producer] if self._producer else [])]
        self._failed, self._producer = [], None
        for producer in producers:
            await close_producer(producer, self._limits)

    def _check_size(self, one: Message) -> None:
        if len(one.value) > self._limits.message_limit_bytes:
            raise EventTooLarge(len(one.value), self._limits.message_limit_bytes)
        envelope = len(one.key) + sum(len(name) + len(text) for name, text in one.headers.items())
        if envelope > ENVELOPE_LIMIT_BYTES:
            raise EventTooLarge(envelope, ENVELOPE_LIMIT_BYTES)

    async def _store(self, messages: Sequence[Message]) -> list[Position]:
        producer: AIOKafkaProducer | None = None
        stored: list[asyncio.Future[Any]] = []
        try:
            with self._patience.bounded():
                async with self._handing_over:
                    producer = await self._current_producer()
                    for one in messages:
                        sent = await self._send(producer, one)
                        stored.append(sent)
                # Most appends are of one message, and there are many of them.
                places = [await stored[0]] if len(stored) == 1 else await asyncio.gather(*stored)
        except (TimeoutError, KafkaTimeoutError) as reason:
            raise LogUnavailable(
                f"Kafka did not confirm within {self._limits.patience_seconds:g} s: unknown "
                "whether the events were stored"
            ) from reason
        except KafkaError as reason:
            self._replace(producer)
            raise LogUnavailable(
                f"Kafka failed ({reason!r}): unknown whether the events were stored"
            ) from reason
        finally:
            _forget(stored)
        positions = [Position(place.partition, place.offset) for place in places]
        if any(position.offset < 0 for position in positions):
            raise LogUnavailable("Kafka has stored these events before, and no longer knows where")
        return positions

    async def _send(self, producer: AIOKafkaProducer, one: Message) -> asyncio.Future[Any]:
        """Hand one message to the producer; the future ends when it is stored."""
        key = one.key.encode()
        partition = partition_of(key, self._topic.partitions)
        if not self._chain.is_begun(partition):
            self._chain.begin(partition, await self._last_stored(partition))
        headers = {**one.headers, **self._chain.link(partition)}
        sent: asyncio.Future[Any] = await producer.send(
            self._topic.name,
            value=one.value,
            key=key,
            # Not left to the producer: it would count the partitions that there are by then.
            partition=partition,
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
        self._chain.handed_over(partition, one)
        return sent

    async def _current_producer(self) -> AIOKafkaProducer:
        while self._failed:
            await close_producer(self._failed[-1], self._limits)
            self._failed.pop()
        if self._producer is None:
            self._producer = await open_producer(self._connection, self._limits)
        return self._producer

    def _replace(self, producer: AIOKafkaProducer | None) -> None:
        """Of all appends that fail with the same producer, the first one retires it."""
        if producer is not None and self._producer is producer:
            self._failed.append(producer)
            self._producer = None
            self._chain = Chain()


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """As Kafka's own clients do it, so that other systems find a key where they expect it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def _forget(stored: Sequence[asyncio.Future[Any]]) -> None:
    """Nobody will ask any more; asyncio must not complain about errors that nobody looked at."""
    for future in stored:
        if not future.cancel() and not future.cancelled():
            future.exception()
