"""Copies a topic while it grows, as MirrorMaker 2 does: another name and offsets of its own; keys,
headers and partitions as they were."""

import asyncio
import threading
from types import TracebackType

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic

PATIENCE_SECONDS = 60.0


class Mirror:
    """A context; it copies from a thread of its own."""

    def __init__(self, broker: str, topic: str, copy: str, partitions: int) -> None:
        self._broker = broker
        self._topic = topic
        self._copy = copy
        self._partitions = partitions
        self._loop = asyncio.new_event_loop()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._copying: asyncio.Task[None] | None = None

    def __enter__(self) -> "Mirror":
        self._thread.start()
        assert self._begun.wait(PATIENCE_SECONDS), "the topic can't be copied"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._copying is not None
        self._loop.call_soon_threadsafe(self._copying.cancel)
        self._thread.join(PATIENCE_SECONDS)

    def _live(self) -> None:
        self._copying = self._loop.create_task(self._run())
        self._loop.run_until_complete(asyncio.wait([self._copying]))
        self._loop.close()

    async def _run(self) -> None:
        connection = Connection(self._broker)
        for name in (self._topic, self._copy):
            await (await open_kafka_log(connection, Topic(name, self._partitions))).close()
        consumer = AIOKafkaConsumer(bootstrap_servers=self._broker, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=self._broker)
        await consumer.start()
        await producer.start()
        try:
            consumer.assign([TopicPartition(self._topic, n) for n in range(self._partitions)])
            await consumer.seek_to_beginning()
            self._begun.set()
            async for record in consumer:
                await producer.send_and_wait(
                    self._copy,
                    record.value,
                    record.key,
                    record.partition,
                    headers=list(record.headers),
                )
        finally:
            await producer.stop()
            await consumer.stop()
