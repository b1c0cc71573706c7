"""Follows the history and judges every record, once in a process, for everybody in it.

Order of life: the live roots are recalled from the read models at their frontier, then the log from
there. Listeners get each entry in the order of the log, as soon as it is judged; they must not
block: whoever needs time keeps a queue of its own, and says in `room` when it can take more.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from events.event import Event
from events.log import Log
from events.positions import Frontier
from events.state import Root
from projections.entry import Entry, decoded
from projections.memory import Memory


class History(Protocol):
    """What the ledger asks of the read models."""

    async def live_roots(self) -> tuple[Frontier, Mapping[str, Sequence[Event]]]:
        """The read models' frontier, and the events up to there of every live root, by key."""
        ...

    async def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> Mapping[str, Sequence[Event]]:
        """The events of these roots before a frontier; a root without any may be left out."""
        ...


class Listener(Protocol):
    """Who wants to hear what was judged."""

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """What is alive, once, before the first entry."""
        ...

    def entered(self, entries: Sequence[Entry]) -> None:
        """The next entries. Must not block or await."""
        ...

    async def room(self) -> None:
        """Returns when this listener can take more."""
        ...


class Ledger:
    """The fold of this process."""

    def __init__(
        self, log: Log, history: History, listeners: Sequence[Listener], batch_records: int = 1000
    ) -> None:
        self.memory = Memory()
        self.frontier: dict[int, int] = {}
        self.projected: Frontier = {}
        """How far the read models are known to have come; whoever knows moves it on."""
        self.ready = asyncio.Event()
        self._log = log
        self._history = history
        self._listeners = listeners
        self._batch_records = batch_records

    async def run(self) -> None:
        """Follow the log until cancelled."""
        frontier, live = await self._history.live_roots()
        for key, events in live.items():
            self.memory.recall(key, events)
        self.frontier = dict(frontier)
        self.projected = frontier
        for listener in self._listeners:
            listener.recalled(self.memory.roots, frontier)
        self.ready.set()
        async for records in self._log.follow(frontier, self._batch_records):
            batch = [
                decoded(record)
                for record in records
                if record.position.offset >= self.frontier.get(record.position.partition, 0)
            ]
            missing = self.memory.missing(batch)
            if missing:
                histories = await self._history.events_of(missing, self.frontier)
                for key in missing:
                    self.memory.recall(key, histories.get(key, ()))
            entries = [self.memory.enter(one) for one in batch]
            for entry in entries:
                partition, offset = entry.record.position
                self.frontier[partition] = offset + 1
            for listener in self._listeners:
                listener.entered(entries)
            for listener in self._listeners:
                await listener.room()
            self.memory.forget(self.projected)
