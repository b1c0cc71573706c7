"""A region's topic, and its copy as MirrorMaker 2 makes it: whole, with repeats, or with gaps."""

import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager

from aiokafka import AIOKafkaProducer

from events.event import decode
from events.log import Record, message
from events.positions import BEGINNING, Frontier, Position
from services.kafka_log.connection import Connection
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.topic import Topic
from tests.builders import History

PARTITIONS = 2


class Source:
    """Region a's log, on a topic of its own."""

    def __init__(self, broker: str) -> None:
        self.broker = broker
        self.prefix = f"a-{uuid.uuid4().hex}"
        self.topic = f"{self.prefix}-history"
        self.copy = f"a.{self.topic}"
        self.headers: dict[Position, Mapping[str, bytes]] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[KafkaLog]:
        topic = Topic(self.topic, PARTITIONS)
        log = await open_kafka_log(Connection(self.broker), topic, look=self.headers.__setitem__)
        try:
            yield log
        finally:
            await log.close()

    async def said(self, *histories: History) -> Frontier:
        """All of these events, in order; how far the log reaches then."""
        async with self.opened() as log:
            for history in histories:
                for event in history.events:
                    await log.append([message(event)])
            return await log.end()

    async def mirrored(self, twice: Collection[str] = (), without: Collection[str] = ()) -> None:
        """As MirrorMaker 2 does it: another name, offsets of its own, keys and headers as they
        were; after a restart the last events again. `twice`, `without`: by type of event."""
        async with self.opened() as log:
            end = await log.end()
            records: list[Record] = []
            async with aclosing(log.follow(BEGINNING)) as batches:
                async for batch in batches:
                    records += batch
                    if len(records) >= sum(end.values()):
                        break
        foreign = Topic(self.copy, PARTITIONS)
        await (await open_kafka_log(Connection(self.broker), foreign)).close()
        producer = AIOKafkaProducer(bootstrap_servers=self.broker)
        await producer.start()
        try:
            for record in records:
                event = decode(record.value)
                times = 2 if event.type in twice else 1
                for _ in range(0 if event.type in without else times):
                    headers = list(self.headers[record.position].items())
                    partition = record.position.partition
                    await producer.send_and_wait(
                        self.copy, record.value, event.key.encode(), partition, headers=headers
                    )
        finally:
            await producer.stop()
