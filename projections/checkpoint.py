"""How far a generation has come in one partition, and what it had read last."""

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from events.errors import CountermandError
from events.log import Record
from events.positions import Position
from projections.place import OFFSET_BITS, Stored


class Checkpoint(NamedTuple):
    """Kept in the transaction of the rows that it stands for."""

    next_offset: int
    digest: bytes
    """Of the last record's bytes; of none at the beginning."""
    latest_us: int
    """The latest append time so far."""


class OutOfOrder(CountermandError):
    """A record came that the checkpoint already includes: its rows would count twice."""

    def __init__(self, position: Position, next_offset: int) -> None:
        super().__init__(
            f"record {position.partition}:{position.offset} came again, the read models are at "
            f"{next_offset}; this is a defect of the process that feeds them"
        )
        self.position = position
        self.next_offset = next_offset


def digest_of(value: bytes) -> bytes:
    return sha256(value).digest()


BEGINNING = Checkpoint(0, digest_of(b""), 0)


def frontier_of(checkpoints: Mapping[int, Checkpoint]) -> dict[int, int]:
    return {partition: each.next_offset for partition, each in checkpoints.items()}


class Course:
    """Where records stand that go on from some checkpoints, and where they lead to."""

    def __init__(self, checkpoints: Mapping[int, Checkpoint]) -> None:
        self._before = checkpoints
        self._reached = {partition: each.next_offset for partition, each in checkpoints.items()}
        self._latest = {partition: each.latest_us for partition, each in checkpoints.items()}
        self._last_values: dict[int, bytes] = {}

    def stored(self, record: Record) -> Stored:
        """The next record, as its rows say it. Raises `OutOfOrder`."""
        position, value, appended_us = record
        partition, offset = position
        if offset < self._reached.get(partition, 0):
            raise OutOfOrder(position, self._reached[partition])
        self._reached[partition] = offset + 1
        latest_us = max(appended_us, self._latest.get(partition, appended_us))
        self._latest[partition] = latest_us
        self._last_values[partition] = value
        return (partition << OFFSET_BITS | offset, appended_us, latest_us, value)

    def checkpoints(self) -> dict[int, Checkpoint]:
        """Behind the last record."""
        reached = dict(self._before)
        for partition, value in self._last_values.items():
            reached[partition] = Checkpoint(
                self._reached[partition], digest_of(value), self._latest[partition]
            )
        return reached
