"""The log port: the little that every log must be able to do, and Kafka can.

What an adapter guarantees, and no more:

- *Order.* Messages of one key land in one partition, in the order of their appends.
- *Durability.* When `append` returns, its messages survive the death of every process.
- *Atomicity* is per message. Of an `append` that fails each message may have been kept or not:
  unknown. Repeat it with the same events; the fold makes the repeats void.
- *Readers may see a message twice*, never out of order, and never one that `append` hasn't stored.
- *There is no more*: no reading of one key's events, no expected version, no deleting.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import NamedTuple, Protocol

from events.event import Event, encode
from events.positions import Frontier, Position


class Message(NamedTuple):
    """What is appended: canonical bytes under the key that orders them."""

    key: str
    value: bytes
    event: Event | None = None
    """What the bytes say, if it is known."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Copies of a few attributes, for other systems' filters. Of ours only who reads
        a copy of a topic looks at them.

        No header begins with `ce_`: to CloudEvents readers that would be another form of event.
        """
        event = self.event
        if event is None:
            return {}
        return {
            "content-type": "application/cloudevents+json",
            "countermand_id": str(event.id),
            "countermand_type": event.type,
            "countermand_subject": event.subject,
            "countermand_organization": event.organization,
        }


class Record(NamedTuple):
    """What is read: the bytes as they were appended, where they stand, and since when."""

    position: Position
    value: bytes
    appended_at_us: int
    """Microseconds since 1970 by the log's own clock, which may go backwards."""


class LogReader(Protocol):
    """One stream, to be read: all that a rebuild, an export or a replay needs."""

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        """Up to `limit` records from `start` on, in order per partition; none only at the end.

        What a stream's retention has removed is passed over; history removes nothing.
        """
        ...

    async def end(self) -> Frontier:
        """How far the log reached at some moment during this call; every partition is named."""
        ...

    async def close(self) -> None:
        """Let appends that have begun end, then give everything back. May be called twice.

        Whatever is asked of the log afterwards, and whoever still follows it, gets `LogClosed`.
        """
        ...


class Log(LogReader, Protocol):
    """One stream. History, output and heartbeats are streams of their own with the same keys."""

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        """Store the messages durably; their positions, in the same order.

        Raises `EventTooLarge` before anything is stored, `LogUnavailable` when it is unknown
        what was stored. So it is, too, when the caller is cancelled meanwhile.
        """
        ...

    def follow(self, start: Frontier, limit: int = 1000) -> AsyncGenerator[Sequence[Record], None]:
        """Batches from `start` on, each as soon as there is one, without end. Close it when done.

        Raises `LogUnavailable` when the log can't be read for longer than the adapter's patience.
        """
        ...


def message(event: Event) -> Message:
    """The event as the log takes it."""
    return Message(event.key, encode(event), event)
