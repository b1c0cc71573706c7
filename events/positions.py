"""Where an event stands, and how far somebody has come."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias


class Position(NamedTuple):
    """The place of one record in its stream."""

    partition: int
    offset: int


Frontier: TypeAlias = Mapping[int, int]
"""Of each partition, the offset of the first record that is *not* included. A partition that isn't
named stands at its beginning. It is the cursor of everything that spans partitions."""

BEGINNING: Frontier = {}


def covers(frontier: Frontier, position: Position) -> bool:
    """Whether the record at this position is included."""
    return position.offset < frontier.get(position.partition, 0)


def reaches(frontier: Frontier, goal: Frontier) -> bool:
    """Whether everything before `goal` is included."""
    return all(frontier.get(partition, 0) >= offset for partition, offset in goal.items())


def missing(reached: Frontier, goal: Frontier) -> int:
    """How many offsets are before `goal` and not included."""
    return sum(max(0, offset - reached.get(partition, 0)) for partition, offset in goal.items())


def after(frontier: Frontier, positions: Iterable[Position]) -> dict[int, int]:
    """The frontier moved on to include these positions."""
    moved = dict(frontier)
    for partition, offset in positions:
        moved[partition] = max(moved.get(partition, 0), offset + 1)
    return moved


def written_position(position: Position) -> str:
    """For people and URLs: `0:42`."""
    return f"{position.partition}:{position.offset}"


def written_frontier(frontier: Frontier) -> str:
    """For people and URLs: `0:42,1:7`; `0:0` is the beginning."""
    return ",".join(f"{p}:{o}" for p, o in sorted(frontier.items())) or "0:0"


def read_frontier(text: str) -> dict[int, int]:
    """The frontier that `written_frontier` wrote; ValueError for anything else."""
    frontier: dict[int, int] = {}
    for part in text.split(","):
        partition, colon, offset = part.partition(":")
        plain = part.isascii() and partition.isdigit() and offset.isdigit()
        if not (colon and plain) or len(part) > 40:
            raise ValueError(f"{text[:80]!r} is no frontier: write partition:offset, e.g. '0:42'")
        if int(partition) in frontier:
            raise ValueError(f"{text[:80]!r} names partition {partition} twice")
        frontier[int(partition)] = int(offset)
    return frontier
