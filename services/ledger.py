"""Follows the history and judges every record, once in a process, for everybody in it.

Order of life: the live roots are recalled from the read models at their frontier, then the log from
there. Listeners get each entry in the order of the log, as soon as it is judged; they must not
block: whoever needs time keeps a queue of its own, and says in `room` when it can take more.

An event of an unknown version stops its partition: nothing behind it is judged, `stopped` says why,
and of what stands behind it only known cancels are passed on, unjudged, to whoever obeys them.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from typing import NamedTuple, Protocol, TypeAlias

import structlog

from events.cancel_events import CancelRequested
from events.errors import UnknownVersion
from events.event import Event
from events.log import Record
from events.positions import Frontier, Position
from events.project_events import ProjectCancelRequested
from events.state import Root
from projections.entry import Decoded, Entry, decoded, unread
from projections.memory import Memory
from services.log_following import Followed, follow_on
from services.own_words import OwnWords

RECALLED_AT_ONCE = 500
"""Live roots asked for in one question, at the start."""

log = structlog.get_logger(__name__)


class Snapshot(NamedTuple):
    """Where the read models are, and the log keys of all roots that are alive there."""

    frontier: Frontier
    live_keys: Sequence[str]


class History(Protocol):
    """What the ledger asks of the read models."""

    def frontier(self) -> Frontier:
        """How far the read models are known to have come."""
        ...

    async def snapshot(self) -> Snapshot:
        """Where they are now, and what is alive there."""
        ...

    def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        """The events of these roots before a frontier, each root's in order, in parts.

        A long history comes in many parts, so that others have their turn between them. A root
        without any event is left out.
        """
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


class CancelListener(Protocol):
    """Who obeys a cancel even when nobody can say what it did: the side of the runs."""

    def unjudged(self, cancels: Sequence[Decoded]) -> None:
        """Cancels behind an event that this release can't read. They may come again."""
        ...


GiveWay: TypeAlias = Callable[[Record], Awaitable[None]]
"""Waits while others go first; the record is the first of those that are to be judged."""


async def at_once(_: Record) -> None:
    """Nobody goes first."""


class Stopped(NamedTuple):
    """Why a partition is judged no further."""

    position: Position
    why: UnknownVersion


def stands_still(stopped: Mapping[int, Stopped]) -> str:
    """The first of these partitions, and why."""
    partition, (position, why) = next(iter(stopped.items()))
    return f"partition {partition} stands at offset {position.offset}: {why}"


class Ledger:
    """The fold of this process."""

    def __init__(
        self,
        log: Followed,
        history: History,
        listeners: Sequence[Listener],
        cancel_listeners: Sequence[CancelListener] = (),
        batch_records: int = 200,
        words: OwnWords | None = None,
        give_way: GiveWay = at_once,
    ) -> None:
        """`words`: what is appended by this process, which needn't be decoded again."""
        self.memory = Memory()
        self.frontier: dict[int, int] = {}
        """How far everything was judged."""
        self.stopped: dict[int, Stopped] = {}
        """By partition. Not empty: this process needs an upgrade, and isn't healthy."""
        self.ready = asyncio.Event()
        self._log = log
        self._history = history
        self._listeners = listeners
        self._cancel_listeners = cancel_listeners
        self._batch_records = batch_records
        self._words = words or OwnWords()
        self._give_way = give_way

    async def run(self) -> None:
        """Follow the log until cancelled."""
        frontier, live_keys = await self._history.snapshot()
        for start in range(0, len(live_keys), RECALLED_AT_ONCE):
            await self._recall(live_keys[start : start + RECALLED_AT_ONCE], frontier)
        self.frontier = dict(frontier)
        for listener in self._listeners:
            listener.recalled(self.memory.roots, frontier)
        self.ready.set()
        async with aclosing(follow_on(self._log, frontier, self._batch_records)) as batches:
            async for records in batches:
                await self._give_way(records[0])
                await self._enter(records)

    async def _enter(self, records: Sequence[Record]) -> None:
        """Judge what can be read, and pass it on."""
        batch = list(self._readable(records))
        missing = self.memory.missing(batch)
        if missing:
            await self._recall(missing, self.frontier)
        entries = [self.memory.enter(one) for one in batch]
        for entry in entries:
            partition, offset = entry.record.position
            self.frontier[partition] = offset + 1
        if entries:
            for listener in self._listeners:
                listener.entered(entries)
        if self.stopped:
            self._pass_on_cancels(records)
        for listener in self._listeners:
            await listener.room()
        await asyncio.sleep(0)  # Who has waited for these verdicts goes first: they answer callers.
        self.memory.forget(self._history.frontier())

    async def _recall(self, keys: Collection[str], before: Frontier) -> None:
        for key in keys:
            self.memory.recall(key)
        async for key, events in self._history.events_of(keys, before):
            self.memory.recall(key, events)

    def _readable(self, records: Sequence[Record]) -> Iterator[Decoded]:
        """What hasn't been judged yet, up to the first event in a partition that can't be read."""
        for record in unread(records, self.frontier):
            partition = record.position.partition
            if partition not in self.stopped:
                try:
                    yield self._decoded(record)
                except UnknownVersion as why:
                    self.stopped[partition] = Stopped(record.position, why)
                    log.error("a partition stands still", why=stands_still(self.stopped))

    def _decoded(self, record: Record) -> Decoded:
        event = self._words.heard(record.value)
        return decoded(record) if event is None else Decoded(record, event, "", event.key)

    def _pass_on_cancels(self, records: Sequence[Record]) -> None:
        cancels = [
            one
            for record in records
            if record.position.partition in self.stopped
            and record.position > self.stopped[record.position.partition].position
            and (one := known_cancel(record)) is not None
        ]
        if cancels:
            for listener in self._cancel_listeners:
                listener.unjudged(cancels)


def known_cancel(record: Record) -> Decoded | None:
    """The cancel in this record, if there is one that can be read."""
    try:
        one = decoded(record)
    except UnknownVersion:
        return None
    is_cancel = one.event is not None and isinstance(
        one.event.data, CancelRequested | ProjectCancelRequested
    )
    return one if is_cancel else None
