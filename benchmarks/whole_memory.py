"""What this process and all that it has started hold at once, at most.

Looked at again and again: the peaks of single processes needn't fall together. Memory that several
of them share counts for each.
"""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

EACH_SECONDS = 0.2
MEGABYTE = 1024 * 1024


@dataclass
class Peak:
    """Known at the end."""

    megabytes: float = 0.0


@contextmanager
def peak_of_all() -> Iterator[Peak]:
    """What happens to this process alone between two looks is known too."""
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        me = psutil.Process()
        while not ended.wait(EACH_SECONDS):
            peak.megabytes = max(peak.megabytes, megabytes(me))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        ended.set()
        looking.join()
        alone = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        peak.megabytes = max(peak.megabytes, alone)


def megabytes(process: psutil.Process) -> float:
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            total += each.memory_info().rss
    return total / MEGABYTE
