"""How far a generation has come in one partition, and what it had read last."""

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from events.errors import CountermandError
from events.positions import Position


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
