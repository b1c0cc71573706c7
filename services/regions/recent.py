"""What this region's log said last, as a bridge takes it: whoever keeps up needn't wait for rows.

A listener of the ledger. Owns a bounded tail of every partition; what is older is in the read
models.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from events.positions import Frontier
from events.region_events import RequestAddressed
from events.state import Root
from projections.entry import Entry
from services.read_models.every_line import AnyLine

LINES_KEPT = 20_000
BYTES_KEPT = 64_000_000
"""Of each partition."""


class Tail:
    """The last lines of one partition."""

    def __init__(self, start: int) -> None:
        self.start = start
        """From this offset on nothing is missing."""
        self.offsets: list[int] = []
        self.lines: list[AnyLine] = []
        self._size_bytes = 0

    def add(self, line: AnyLine) -> None:
        self.offsets.append(line.position.offset)
        self.lines.append(line)
        self._size_bytes += len(line.value)
        if len(self.lines) > LINES_KEPT or self._size_bytes > BYTES_KEPT:
            self._forget(len(self.lines) // 2)

    def _forget(self, count: int) -> None:
        self.start = self.offsets[count - 1] + 1
        self._size_bytes -= sum(len(line.value) for line in self.lines[:count])
        del self.offsets[:count]
        del self.lines[:count]


class Recent:
    """One object a process; for one event loop."""

    def __init__(self) -> None:
        self.frontier: dict[int, int] = {}
        """How far this process has judged."""
        self.turn = asyncio.Event()
        """Set when there is more, and replaced by a new one. Whoever looks and then waits takes it
        before it looks."""
        self._tails: dict[int, Tail] = {}

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self.frontier = dict(frontier)
        self._tails = {partition: Tail(offset) for partition, offset in frontier.items()}
        self.wake()

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            partition, offset = entry.record.position
            tail = self._tails.get(partition)
            if tail is None:
                tail = self._tails[partition] = Tail(0)
            tail.add(line_of(entry))
            self.frontier[partition] = offset + 1
        self.wake()

    async def room(self) -> None:
        """Always: what is kept is bounded."""

    def lines(self, start: Frontier, limit: int) -> list[AnyLine] | None:
        """Up to so many from there on, one partition after the other; None: it is too long ago."""
        found: list[AnyLine] = []
        for partition in sorted(self.frontier):
            tail = self._tails.get(partition)
            offset = start.get(partition, 0)
            if tail is None or offset < tail.start:
                return None
            first = bisect_left(tail.offsets, offset)
            found += tail.lines[first : first + limit - len(found)]
            if len(found) >= limit:
                break
        return found

    def wake(self) -> None:
        self.turn.set()
        self.turn = asyncio.Event()


def line_of(entry: Entry) -> AnyLine:
    record, event, outcome = entry.record, entry.event, entry.outcome
    return AnyLine(
        record.position,
        record.appended_at_us,
        record.value,
        outcome.verdict.value,
        None if outcome.reason is None else outcome.reason.value,
        None if event is None else event.organization,
        None if event is None else event.type,
        None if event is None else event.root,
        None if event is None else event.id.hex,
        event.data.home if event is not None and isinstance(event.data, RequestAddressed) else None,
    )
