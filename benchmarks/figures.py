"""What a figure is, and how it is measured fairly.

A limit is measured beside each figure, in turns with it, so that a machine that is busy with
something else slows down both. Not only speed fits: of a memory figure the limit may be a constant.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Target(NamedTuple):
    """What the ratio, measured to limit, has to be."""

    bound: Literal["at most", "at least"]
    ratio: float

    def reached(self, ratio: float) -> bool:
        return ratio <= self.ratio if self.bound == "at most" else ratio >= self.ratio

    def __str__(self) -> str:
        return f"{self.bound} {self.ratio:g}"


def at_most(ratio: float) -> Target:
    """For times and sizes."""
    return Target("at most", ratio)


def at_least(ratio: float) -> Target:
    """For rates."""
    return Target("at least", ratio)


class Measurement(NamedTuple):
    measured: float
    limit: float
    unit: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    beside: str
    """What the limit is."""
    target: Target
    measure: Callable[[], Measurement]


def compared(measured: float, limit: float, unit: str) -> Measurement:
    """A figure that is measured once."""
    return Measurement(measured, limit, unit, measured / limit)


def in_turns(
    measure: Callable[[], float],
    limit: Callable[[], float],
    unit: str,
    rounds: int,
    warming: int = 1,
) -> Measurement:
    """The median of each, and the median of the rounds' ratios, behind rounds that warm both up."""
    for _ in range(warming):
        measure()
        limit()
    pairs = []
    for number in range(rounds):
        if number % 2:
            pairs.append((measure(), limit()))
        else:
            beside = limit()
            pairs.append((measure(), beside))
    return Measurement(
        statistics.median(measured for measured, _ in pairs),
        statistics.median(limited for _, limited in pairs),
        unit,
        statistics.median(measured / limited for measured, limited in pairs),
    )
