"""Copies a stream of the embedded log to Kafka, and checks by digest that it is all there.

The records keep their bytes, hence their ids, and their order per root; what they get anew is their
place and their append time. The source isn't changed. Knows no rules: bytes that are no event are
moved, too, as they are part of the history.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from events.errors import CountermandError, MalformedEvent
from events.event import decode
from events.log import Log, LogReader, Message, Record, message
from events.positions import after, reaches
from services.kafka_log.writer import partition_of

RECORDS_AT_ONCE = 1_000
NO_EVENT = "malformed"
"""The key of bytes that name no root. All of them stay in their order."""


class NotEmpty(CountermandError):
    """There is something in the target already."""

    def __init__(self, stream: str, records: int) -> None:
        super().__init__(
            f"the {stream} topic holds {records} records already: nothing was copied. Choose "
            "another COUNTERMAND_BROKER__TOPIC_PREFIX, or delete what an interrupted migration left"
        )


class NotTheSame(CountermandError):
    """What arrived isn't what was sent."""

    def __init__(self, stream: str, partition: int) -> None:
        super().__init__(
            f"partition {partition} of the {stream} topic isn't what was copied: somebody else "
            "writes it, or records came twice. Delete the topic and migrate again; the source is "
            "unchanged"
        )


class Migrated(NamedTuple):
    """How much, and the digest of what every partition holds."""

    stream: str
    records: int
    digest: str


class Digests:
    """Of each partition's values, in their order."""

    def __init__(self, partitions: int) -> None:
        self._each = [sha256() for _ in range(partitions)]

    def add(self, partition: int, value: bytes) -> None:
        self._each[partition].update(len(value).to_bytes(8))
        self._each[partition].update(value)

    def hex(self) -> list[str]:
        return [each.hexdigest() for each in self._each]


async def check_empty(stream: str, target: LogReader) -> None:
    """Raises `NotEmpty`."""
    there = sum((await target.end()).values())
    if there:
        raise NotEmpty(stream, there)


async def migrate(
    stream: str,
    source: LogReader,
    target: Log,
    partitions: int,
    tell: Callable[[int], None] = lambda _: None,
) -> Migrated:
    """Raises `NotEmpty` before anything is copied, `NotTheSame` after."""
    await check_empty(stream, target)
    # 1. Copy, a batch after the other: no root's records overtake each other.
    sent, records = Digests(partitions), 0
    goal, reached = await source.end(), {0: 0}
    while not reaches(reached, goal):
        batch = await source.read(reached, RECORDS_AT_ONCE)
        messages = [as_message(record) for record in batch]
        await target.append(messages)
        for one in messages:
            sent.add(partition_of(one.key.encode(), partitions), one.value)
        reached = after(reached, (record.position for record in batch))
        records += len(batch)
        tell(len(batch))
    # 2. Read everything back.
    found, reached, end = Digests(partitions), {}, await target.end()
    while not reaches(reached, end):
        batch = await target.read(reached, RECORDS_AT_ONCE)
        for record in batch:
            found.add(record.position.partition, record.value)
        reached = after(reached, (record.position for record in batch))
    # 3. Compare.
    for partition, (ours, theirs) in enumerate(zip(sent.hex(), found.hex(), strict=True)):
        if ours != theirs:
            raise NotTheSame(stream, partition)
    return Migrated(stream, records, sha256("".join(sent.hex()).encode()).hexdigest())


def as_message(record: Record) -> Message:
    """As it was appended, under the key that orders it. Raises `UnknownVersion`."""
    try:
        return message(decode(record.value))._replace(value=record.value)
    except MalformedEvent:
        return Message(NO_EVENT, record.value)
