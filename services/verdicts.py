"""What this process has heard of the log, for those who wait: verdicts, changes, streams.

A listener of the ledger. Owns who waits for what, and nothing that isn't in the history; whoever
comes too late for an entry reads it from the read models.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from events.event import Event
from events.ids import log_key, root_of
from events.positions import Frontier, Position
from events.state import ProjectState, Root, TaskState
from projections.entry import Entry

LATEST_KEPT = 100_000
"""Roots. The read models have long had what was forgotten: it is the least lately written."""


class Watch:
    """Entries about one root, from the moment that somebody began to watch it."""

    def __init__(self) -> None:
        self.closed = False
        """Nothing more will be heard: this process ends."""
        self._entries: list[Entry] = []
        self._heard = asyncio.Event()

    def hear(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._heard.set()

    def taken(self) -> Sequence[Entry]:
        """What was heard since the last call."""
        taken, self._entries = self._entries, []
        return taken

    def close(self) -> None:
        self.closed = True
        self._heard.set()

    async def more(self) -> None:
        """Returns when something was heard since the last call, or nothing more will be."""
        await self._heard.wait()
        self._heard.clear()


class Heard:
    """Entries of several events, each the first that was heard."""

    def __init__(self, expected: int) -> None:
        self.entries: dict[UUID, Entry] = {}
        self._expected = expected
        self._complete = asyncio.Event()

    def hear(self, entry: Entry) -> None:
        if entry.event is not None:
            self.entries.setdefault(entry.event.id, entry)
            if len(self.entries) >= self._expected:
                self._complete.set()

    async def complete(self, timeout_seconds: float) -> bool:
        """Whether all of them were heard in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._complete.wait()
        except TimeoutError:
            return False
        return True


class Subscription:
    """Entries for one stream, in the order of the log. A reader that is too slow loses it."""

    def __init__(self, wanted: Callable[[Entry], bool], start: Frontier, limit: int) -> None:
        self.start = start
        """What was judged before is not in here."""
        self.lost = False
        self._wanted = wanted
        self._limit = limit
        self._waiting: deque[Entry] = deque()
        self.heard = asyncio.Event()

    def offer(self, entry: Entry) -> None:
        if self.lost or not self._wanted(entry):
            return
        if len(self._waiting) >= self._limit:
            self.lost = True
            self._waiting.clear()
        else:
            self._waiting.append(entry)
        self.heard.set()

    def close(self) -> None:
        self.lost = True
        self.heard.set()

    def taken(self) -> Sequence[Entry]:
        """What has come since the last call."""
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken


class Verdicts:
    """Everybody in this process who waits for the log."""

    def __init__(self) -> None:
        self._roots: Mapping[str, Root] = {}
        self._frontier: dict[int, int] = {}
        self._latest: OrderedDict[str, Position] = OrderedDict()
        self._expected: dict[UUID, list[Callable[[Entry], None]]] = {}
        self._watches: dict[str, list[Watch]] = {}
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._told: list[Callable[[str], None]] = []
        self._at_close: list[Callable[[], None]] = []
        self._hurry: Callable[[], None] = nobody
        self.closed = False
        """Nobody waits any more: this process ends."""
        self.asked = 0
        """How often somebody has begun to wait for a single verdict. Whoever cancels many gives way
        while it grows."""

    @property
    def awaited(self) -> bool:
        """Somebody waits for a verdict, or for more about a root."""
        return bool(self._expected or self._watches)

    # ---- what the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots
        self._frontier = dict(frontier)

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            partition, offset = entry.record.position
            self._frontier[partition] = offset + 1
            event = entry.event
            if event is None:
                continue
            key = entry.key
            self._note(key, entry.record.position)
            for tell in self._told:
                tell(key)
            for hear in self._expected.get(event.id, ()):
                hear(entry)
            for watch in self._watches.get(key, ()):
                watch.hear(entry)
            for subscription in self._subscriptions.get(event.organization, ()):
                subscription.offer(entry)

    async def room(self) -> None:
        """Always: every queue here is bounded, and whoever is too slow is dropped."""

    # ---- what the gateway asks

    @property
    def frontier(self) -> Frontier:
        """How far this process has judged."""
        return dict(self._frontier)

    def root(self, organization: str, subject: str) -> Root | None:
        """What this process knows of a subject's root; None also when it is no longer at hand."""
        return self._roots.get(log_key(organization, root_of(subject)))

    def task(self, organization: str, task_id: str) -> TaskState | None:
        """The task as this process knows it; None also when it is no longer at hand."""
        root = self._roots.get(log_key(organization, root_of(task_id)))
        return root.tasks.get(task_id) if root else None

    def project(self, organization: str, project_id: str) -> ProjectState | None:
        root = self._roots.get(log_key(organization, root_of(project_id)))
        if root is None or root.project is None or root.project.id != project_id:
            return None
        return root.project

    def tell(self, changed: Callable[[str], None]) -> None:
        """From now on call this with the key of every root that something is said about, also when
        what was said isn't judged yet."""
        self._told.append(changed)

    def at_close(self, call: Callable[[], None]) -> None:
        """When nobody is to wait any more."""
        self._at_close.append(call)

    def hurry_with(self, hurry: Callable[[], None]) -> None:
        """Call this when somebody begins to wait for a verdict."""
        self._hurry = hurry

    def latest(self, key: str) -> Position | None:
        """The last position that this process knows of a root; None: none lately."""
        return self._latest.get(key)

    def appended(self, events: Sequence[Event], positions: Sequence[Position]) -> None:
        """What this process has appended, and may have told its caller."""
        for event, position in zip(events, positions, strict=True):
            key = event.key
            self._note(key, position)
            for tell in self._told:
                tell(key)

    def _note(self, key: str, position: Position) -> None:
        latest = self._latest
        known = latest.get(key)
        if known is None:
            latest[key] = position
            if len(latest) > LATEST_KEPT:
                latest.popitem(last=False)
        elif known < position:
            latest[key] = position
            latest.move_to_end(key)

    @contextmanager
    def expecting(self, event_id: UUID) -> Iterator[asyncio.Future[Entry]]:
        """The entry of an event that is about to be appended."""
        self.asked += 1
        mine: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()

        def hear(entry: Entry) -> None:
            if not mine.done():
                mine.set_result(entry)

        self._listen(event_id, hear)
        try:
            yield mine
        finally:
            self._listen_no_more(event_id, hear)
            mine.cancel()

    @contextmanager
    def expecting_all(self, event_ids: Sequence[UUID]) -> Iterator[Heard]:
        """The entries of events that are about to be appended together."""
        heard = Heard(len(set(event_ids)))
        for event_id in event_ids:
            self._listen(event_id, heard.hear)
        try:
            yield heard
        finally:
            for event_id in event_ids:
                self._listen_no_more(event_id, heard.hear)

    def _listen(self, event_id: UUID, hear: Callable[[Entry], None]) -> None:
        self._hurry()
        self._expected.setdefault(event_id, []).append(hear)

    def _listen_no_more(self, event_id: UUID, hear: Callable[[Entry], None]) -> None:
        others = self._expected[event_id]
        others.remove(hear)
        if not others:
            del self._expected[event_id]

    @contextmanager
    def watching(self, organization: str, subject: str) -> Iterator[Watch]:
        key = log_key(organization, root_of(subject))
        watch = Watch()
        self._watches.setdefault(key, []).append(watch)
        try:
            yield watch
        finally:
            others = self._watches[key]
            others.remove(watch)
            if not others:
                del self._watches[key]

    @contextmanager
    def subscribed(
        self, organization: str, wanted: Callable[[Entry], bool], limit: int
    ) -> Iterator[Subscription]:
        subscription = Subscription(wanted, self.frontier, limit)
        self._subscriptions.setdefault(organization, []).append(subscription)
        try:
            yield subscription
        finally:
            others = self._subscriptions[organization]
            others.remove(subscription)
            if not others:
                del self._subscriptions[organization]

    def close(self) -> None:
        """End every stream, and the waiting of everybody who waits for a stop."""
        self.closed = True
        for watches in self._watches.values():
            for watch in watches:
                watch.close()
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.close()
        for call in self._at_close:
            call()


def nobody() -> None:
    """Nobody has to hurry."""
