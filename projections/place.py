"""A position as one number, so that rows are found and kept in the order of their partition.

The partition is in the high bits, the offset in the low ones: of one partition the numbers are in
the order of the log, and partition 0 has its offsets themselves.
"""

from typing import TypeAlias

from events.positions import Frontier, Position

OFFSET_BITS = 47
"""Leaves 65,536 partitions in a signed 64-bit number."""

Place: TypeAlias = int

Stored: TypeAlias = tuple[Place, int, int, bytes]
"""A record as its rows say it: place, append time, latest append time so far, bytes."""


def place(position: Position) -> Place:
    return position.partition << OFFSET_BITS | position.offset


def is_place(position: Position) -> bool:
    """Whether any record can stand there."""
    return 0 <= position.partition < 1 << 16 and 0 <= position.offset < 1 << OFFSET_BITS


def position(place: Place) -> Position:
    return Position(place >> OFFSET_BITS, place & (1 << OFFSET_BITS) - 1)


def cut(frontier: Frontier, partition: int) -> Place:
    """The first place of this partition that is not included."""
    return partition << OFFSET_BITS | frontier.get(partition, 0)
