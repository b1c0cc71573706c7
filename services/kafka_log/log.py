"""The log port on one Kafka topic."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from events.errors import LogUnavailable
from events.log import Message, Record
from events.positions import Frontier, Position
from services.kafka_log import topic as topics
from services.kafka_log.clients import close_consumer, open_consumer
from services.kafka_log.cluster import cluster_of
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.pace import Pace
from services.kafka_log.pages import Pages
from services.kafka_log.reader import Look, Reader, closed, unreadable
from services.kafka_log.topic import Topic
from services.kafka_log.writer import Writer

Linger: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when somebody wants more, or it was long enough."""


async def open_kafka_log(
    connection: Connection,
    topic: Topic,
    limits: Limits | None = None,
    *,
    create: bool = True,
    look: Look | None = None,
) -> "KafkaLog":
    """Connect, and check the topic. Who only reads doesn't create it; `look` sees the headers of
    what is followed."""
    limits = limits or Limits()
    await topics.ensure(connection, topic, limits, create=create)
    asking = await open_consumer(connection, limits)
    log = KafkaLog(connection, topic, limits, asking, look)
    try:
        # The first question also tells the client who leads which partition.
        await log.end()
    except BaseException:
        await log.close()
        raise
    return log


class KafkaLog:
    """Made by `open_kafka_log`."""

    def __init__(
        self,
        connection: Connection,
        topic: Topic,
        limits: Limits,
        asking: AIOKafkaConsumer,
        look: Look | None = None,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._limits = limits
        self._look = look
        # Nothing is ever assigned to it: a fetch that waits for news would hold up its questions.
        self._asking = asking
        self._writer = Writer(connection, topic, limits, self._last_stored)
        self._pages = Pages(connection, topic, limits)
        self._followers: set[Reader] = set()
        self._closed = False
        self._closing = asyncio.Lock()

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        self._check_open()
        return await self._writer.append(messages)

    async def end(self) -> Frontier:
        self._check_open()
        try:
            async with asyncio.timeout(self._limits.patience_seconds):
                return await self._ask_for_end()
        except (TimeoutError, KafkaError) as reason:
            self._check_open()
            raise unreadable(self._topic, reason) from reason

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        return await self._pages.read(start, await self.end(), limit)

    async def at(self, position: Position) -> Record | None:
        """What stands there; None: nothing, or nothing any more."""
        return await self._standing_at(position, await self.end())

    async def follow(
        self,
        start: Frontier,
        limit: int = 1000,
        partitions: Collection[int] | None = None,
        linger: Linger | None = None,
    ) -> AsyncGenerator[Sequence[Record], None]:
        """`linger`: waited for with each batch that isn't full, before it is handed out.

        No broker is asked for more meanwhile, nor while whoever follows works on such a batch: what
        comes by then comes together. Of an unbroken stream of small batches some do, too.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        reader = await Reader.open(
            self._connection, self._topic, self._limits, start, partitions, self._look
        )
        self._followers.add(reader)
        pace = Pace(loop.time())
        try:
            heard_at = loop.time()
            while True:
                self._check_open()
                batch = await reader.next(limit, self._limits.silence_seconds)
                if batch:
                    if len(batch) == limit:
                        yield batch
                    else:
                        reader.rest()
                        if linger is not None:
                            await linger()
                        again_at = pace.answered(loop.time())
                        yield batch
                        if again_at:
                            await asyncio.sleep(again_at - loop.time())
                        reader.go_on()
                    heard_at = loop.time()
                elif await self._ends_at(await reader.frontier()):
                    heard_at = loop.time()
                elif loop.time() - heard_at > self._limits.patience_seconds:
                    raise unreadable(self._topic, "there is more, and no broker sends it")
        finally:
            self._followers.discard(reader)
            await reader.close()

    async def cluster(self) -> str | None:
        """Which brokers these are now, by their own name; None: they don't tell."""
        self._check_open()
        return await cluster_of(self._connection, self._limits)

    async def close(self) -> None:
        self._closed = True
        async with self._closing:
            await self._writer.close()
            await self._pages.close()
            for reader in list(self._followers):
                await reader.close()
            await close_consumer(self._asking)

    async def _ask_for_end(self) -> Frontier:
        while True:
            try:
                end = await self._asking.end_offsets(self._topic.places)
            except KafkaTimeoutError:
                # That was the patience of one request; ours is longer.
                continue
            return {place.partition: offset for place, offset in end.items()}

    async def _last_stored(self, partition: int) -> Record | None:
        """None where there is nothing, or nothing any more; nobody asks of what isn't kept. For the
        writer, whose appends end before this log is closed."""
        if self._topic.retention_seconds is not None:
            return None
        try:
            end = await self._ask_for_end()
        except KafkaError as reason:
            raise unreadable(self._topic, reason) from reason
        return await self._standing_at(Position(partition, end[partition] - 1), end)

    async def _standing_at(self, position: Position, end: Frontier) -> Record | None:
        partition, offset = position
        place = self._topic.places[partition]
        try:
            async with asyncio.timeout(self._limits.patience_seconds):
                begins = await self._asking.beginning_offsets([place])
        except (TimeoutError, KafkaError) as reason:
            raise unreadable(self._topic, reason) from reason
        if not begins[place] <= offset < end[partition]:
            return None
        found = await self._pages.read({**end, partition: offset}, {partition: offset + 1}, 1)
        return next((each for each in found if each.position == position), None)

    async def _ends_at(self, frontier: Frontier) -> bool:
        """Whether the log can be read, and holds nothing after this."""
        try:
            end = await self.end()
        except LogUnavailable:
            return False
        return all(offset >= end[partition] for partition, offset in frontier.items())

    def _check_open(self) -> None:
        if self._closed:
            raise closed(self._topic)
