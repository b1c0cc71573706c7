"""Durations counted since the start, in the fixed buckets that Prometheus adds up over time."""

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client.samples import Exemplar

CANCEL_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
)  # fmt: skip
COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Durations:
    """One histogram. Written by one thread; whoever reads it may be one observation behind."""

    __slots__ = ("_bounds", "_counts", "_exemplars", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._exemplars: dict[int, Exemplar] = {}

    def observe(self, seconds: float, exemplar: Exemplar | None = None) -> None:
        bucket = bisect_left(self._bounds, seconds)
        self._counts[bucket] += 1
        self._sum += seconds
        if exemplar is not None:
            self._exemplars[bucket] = exemplar

    @property
    def sum(self) -> float:
        return self._sum

    def buckets(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Cumulative, as Prometheus wants them."""
        found: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
        total = 0
        for number, bound in enumerate((*map(float, self._bounds), float("inf"))):
            total += self._counts[number]
            le = "+Inf" if bound == float("inf") else repr(bound)
            exemplar = self._exemplars.get(number)
            found.append((le, total) if exemplar is None else (le, total, exemplar))
        return found
