"""A consumer with a place of its own in every partition of a topic."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    KafkaError,
    OffsetOutOfRangeError,
)

from events.errors import LogClosed, LogDamaged, LogUnavailable
from events.log import Record
from events.positions import Frontier, Position
from services.kafka_log.clients import close_consumer, open_consumer
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.topic import Topic

Look: TypeAlias = Callable[[Position, Mapping[str, bytes]], None]
"""Gets a record's headers."""


class Reader:
    """Not to be used by two tasks at once, except for `close`."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topic: Topic,
        places: Sequence[TopicPartition],
        look: Look | None = None,
    ) -> None:
        self.places = places
        self._consumer = consumer
        self._topic = topic
        self._look = look
        self._next_offsets: dict[int, int] = {}

    @classmethod
    async def open(
        cls,
        connection: Connection,
        topic: Topic,
        limits: Limits,
        start: Frontier,
        partitions: Collection[int] | None = None,
        look: Look | None = None,
    ) -> "Reader":
        """Of these partitions, or of all. `look` sees what comes with each record."""
        places = [
            place for place in topic.places if partitions is None or place.partition in partitions
        ]
        consumer = await open_consumer(connection, limits)
        consumer.assign(places)
        reader = cls(consumer, topic, places, look)
        reader.seek(start)
        return reader

    def seek(self, start: Frontier) -> None:
        """Go there; where it already is, what was fetched ahead stays."""
        for place in self.places:
            offset = start.get(place.partition, 0)
            if self._next_offsets.get(place.partition) != offset:
                self._consumer.seek(place, offset)
                self._next_offsets[place.partition] = offset

    def only(self, partitions: Collection[int]) -> None:
        """Ask the brokers for these partitions, and leave the others alone."""
        for place in self.places:
            if place.partition in partitions:
                self._consumer.resume(place)
            else:
                self._consumer.pause(place)

    def rest(self) -> None:
        """Ask for nothing, until `go_on`."""
        self._consumer.pause(*self.places)

    def go_on(self) -> None:
        self._consumer.resume(*self.places)

    async def frontier(self) -> dict[int, int]:
        """How far it has come; past what is in the log and isn't an event, too."""
        return {place.partition: await self._consumer.position(place) for place in self.places}

    async def next(self, limit: int, wait_seconds: float) -> list[Record]:
        """The next records, or none when none come within this time."""
        try:
            found = await self._consumer.getmany(
                timeout_ms=int(wait_seconds * 1000), max_records=limit
            )
        except ConsumerStoppedError as reason:
            raise closed(self._topic) from reason
        except OffsetOutOfRangeError as reason:
            await self._pass_over(reason.args[0])
            return []
        except CorruptRecordException as reason:
            raise LogDamaged(f"topic {self._topic.name!r}: {reason}") from reason
        except KafkaError as reason:
            raise unreadable(self._topic, reason) from reason
        records = [_record(one) for batch in found.values() for one in batch]
        if self._look is not None:
            for batch in found.values():
                for one in batch:
                    self._look(Position(one.partition, one.offset), dict(one.headers))
        for one in records:
            self._next_offsets[one.position.partition] = one.position.offset + 1
        return records

    async def close(self) -> None:
        await close_consumer(self._consumer)

    async def _pass_over(self, places: Mapping[TopicPartition, int]) -> None:
        """Go on behind what retention has removed; anything else that is missing is a disaster."""
        try:
            first = await self._consumer.beginning_offsets(list(places))
        except KafkaError as reason:
            raise unreadable(self._topic, reason) from reason
        for place, offset in places.items():
            where = f"partition {place.partition} of topic {place.topic!r}"
            if offset > first[place]:
                raise LogDamaged(
                    f"{where} ends before offset {offset}, which has been read already: it was cut "
                    "off or replaced. Stop the service and restore the topic"
                )
            if self._topic.retention_seconds is None:
                raise LogDamaged(
                    f"{where} has lost its records before offset {first[place]}, which were to be "
                    "kept for ever. Stop the service and restore the topic"
                )
            self._consumer.seek(place, first[place])


def unreadable(topic: Topic, reason: object) -> LogUnavailable:
    return LogUnavailable(f"topic {topic.name!r} can't be read now: {reason}")


def closed(topic: Topic) -> LogClosed:
    return LogClosed(f"the log on topic {topic.name!r} was closed by this process")


def _record(one: Any) -> Record:
    """A record without a value isn't ours; as an event it is malformed, and kept as such."""
    return Record(Position(one.partition, one.offset), one.value or b"", one.timestamp * 1000)
