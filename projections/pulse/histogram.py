"""How long things took: counts on a fixed logarithmic scale of microseconds.

Eight buckets an octave, so that whatever is read from it is at most an eighth too long, and never
too short. The scale is the same for everybody for ever: histograms of different slots, groups and
processes are merged by adding.
"""

from collections.abc import Iterable
from typing import TypedDict

LONGEST_US = 2**45
"""A year; whatever took longer counts as this."""
_BITS = 3


class Histogram(TypedDict):
    """Sparse. Keys are texts, as JSON has no others."""

    count: int
    sum_us: int
    buckets: dict[str, int]


def empty() -> Histogram:
    return {"count": 0, "sum_us": 0, "buckets": {}}


def bucket_of(us: int) -> int:
    """The number of the bucket: its octave, and the three bits behind the leading one."""
    us = min(max(us, 0), LONGEST_US)
    octave = max(us.bit_length() - 1 - _BITS, 0)
    return (octave << _BITS) + (us >> octave)


def longest_us(bucket: int) -> int:
    """The longest time that is counted in this bucket."""
    octave = max((bucket >> _BITS) - 1, 0)
    return ((bucket - (octave << _BITS) + 1) << octave) - 1


def with_times(before: Histogram, times_us: Iterable[int]) -> Histogram:
    """The histogram with these times counted, too."""
    count, sum_us, buckets = before["count"], before["sum_us"], dict(before["buckets"])
    for us in times_us:
        us = max(us, 0)
        key = str(bucket_of(us))
        buckets[key] = buckets.get(key, 0) + 1
        count += 1
        sum_us += us
    return {"count": count, "sum_us": sum_us, "buckets": buckets}


def merged(histograms: Iterable[Histogram]) -> Histogram:
    together = empty()
    buckets = together["buckets"]
    for each in histograms:
        together["count"] += each["count"]
        together["sum_us"] += each["sum_us"]
        for key, count in each["buckets"].items():
            buckets[key] = buckets.get(key, 0) + count
    return together


def quantile_us(histogram: Histogram, fraction: float) -> int | None:
    """The time within which this fraction of them were done; None when there is none."""
    wanted = fraction * histogram["count"]
    reached = 0
    for bucket in sorted(map(int, histogram["buckets"])):
        reached += histogram["buckets"][str(bucket)]
        if reached >= wanted:
            return longest_us(bucket)
    return None
