"""Tells Kafka how far the projectors have come, as committed offsets of a group.

For the lag that Kafka's own tools show, and for nothing else: nobody of ours reads it, and one that
is missing or old harms nobody. The group has no members; partitions are assigned by us.
"""

from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.kafka_log.clients import close_consumer, open_consumer
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.topic import Topic

log = structlog.get_logger(__name__)


class Lag:
    """Made by `open_lag`."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: Topic) -> None:
        self._consumer = consumer
        self._topic = topic
        self._told: dict[int, int] = {}

    async def tell(self, frontier: Mapping[int, int]) -> None:
        """They have come so far; what can't be told now is told with the next news."""
        news = {
            partition: offset
            for partition, offset in frontier.items()
            if self._told.get(partition) != offset
        }
        if not news:
            return
        name = self._topic.name
        try:
            await self._consumer.commit(
                {TopicPartition(name, partition): offset for partition, offset in news.items()}
            )
        except KafkaError as error:
            log.debug("the projectors' offsets aren't told", why=repr(error))
        else:
            self._told |= news

    async def close(self) -> None:
        await close_consumer(self._consumer)


async def open_lag(connection: Connection, topic: Topic, limits: Limits, group: str) -> Lag:
    consumer = await open_consumer(connection, limits, group)
    consumer.assign(topic.places)
    return Lag(consumer, topic)
