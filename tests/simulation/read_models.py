"""The projector's side: read models that come after the log, and answer the ledgers' questions.

A stand-in, with the fold and without the tables (docs/decisions/0094): what the real projector
makes of a world's history is looked at afterwards, in test_projected_worlds.py.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from events.event import Event
from events.fold import evolve
from events.outcome import apply
from events.positions import Frontier, reaches
from events.state import Root
from projections.entry import decoded
from services.ledger import Snapshot
from tests.simulation.faults import Faults
from tests.simulation.node import Node
from tests.simulation.streams import Stream

PART = 3
"""Events of a long history given at once."""


class ReadModels:
    """The database that a projector fills, a little later than the log."""

    def __init__(self, stream: Stream, faults: Faults) -> None:
        self.frontier = dict.fromkeys(range(len(stream.partitions)), 0)
        self.roots: dict[str, Root] = {}
        self._events: dict[str, list[tuple[int, int, Event]]] = {}
        self._stream = stream
        self._faults = faults
        self._project()

    def _project(self) -> None:
        """Take in what is there, then wait a while."""
        for number, records in enumerate(self._stream.partitions):
            for record in records[self.frontier[number] :]:
                event = decoded(record).event
                if event is not None:
                    root = self.roots.setdefault(event.key, Root())
                    apply(root, evolve(root, event))
                    self._events.setdefault(event.key, []).append((*record.position, event))
            self.frontier[number] = len(records)
        self._stream.schedule.after(0.2 + self._faults.latency_seconds(5.0), self._project)

    def events_of(self, key: str, before: Frontier) -> list[Event]:
        return [
            event
            for partition, offset, event in self._events.get(key, ())
            if offset < before.get(partition, 0)
        ]


class NodeHistory:
    """`services.ledger.History`, as one node has it."""

    def __init__(self, models: ReadModels, node: Node, faults: Faults) -> None:
        self._models = models
        self._node = node
        self._faults = faults

    def frontier(self) -> Frontier:
        return dict(self._models.frontier)

    async def snapshot(self) -> Snapshot:
        await asyncio.sleep(self._faults.latency_seconds())
        live = [key for key, root in self._models.roots.items() if root.live]
        return Snapshot(dict(self._models.frontier), live)

    async def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        await asyncio.sleep(self._faults.latency_seconds(1.0))
        while not reaches(self._models.frontier, before):  # noqa: ASYNC110 (its own pace)
            await asyncio.sleep(0.1)
        for key in sorted(keys):
            events = self._models.events_of(key, before)
            for start in range(0, len(events), PART):
                yield key, events[start : start + PART]
                await asyncio.sleep(0)
