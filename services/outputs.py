"""Follows the output stream: how far each run says it is, and its output for whoever listens.

Owns the last progress of tasks that lately said something; what is older is in the log, as long as
the log keeps it. Nobody who waits for a cancel waits for this.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import structlog

from events.errors import MalformedEvent, UnknownVersion
from events.event import Event, decode
from events.log import Log, Record
from events.positions import Frontier
from events.task_events import TaskOutput, TaskProgressed
from services.log_end import end_of
from services.log_following import follow_on

TASKS_KEPT = 50_000
BATCH_RECORDS = 1_000

log = structlog.get_logger(__name__)


class Progress(NamedTuple):
    """The newest that a run has said of how far it is."""

    run_id: UUID
    number: int
    fraction: float | None
    step: str


class OutputRecord(NamedTuple):
    """A record of the output stream, with its event."""

    record: Record
    event: Event


class Listening:
    """Output for one stream. A reader that is too slow loses it."""

    def __init__(
        self, organization: str, wanted: Callable[[str], bool], start: Frontier, limit: int
    ) -> None:
        self.organization = organization
        self.wanted = wanted
        self.start = start
        self.lost = False
        self.heard = asyncio.Event()
        self._limit = limit
        self._waiting: deque[OutputRecord] = deque()

    def offer(self, one: OutputRecord) -> None:
        if self.lost or one.event.organization != self.organization:
            return
        if not self.wanted(one.event.subject):
            return
        if len(self._waiting) >= self._limit:
            self.lost = True
            self._waiting.clear()
        else:
            self._waiting.append(one)
        self.heard.set()

    def taken(self) -> Sequence[OutputRecord]:
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken


class Outputs:
    """One follower of the output stream in a process."""

    def __init__(self, log: Log, reread_records: int | None = None) -> None:
        """`reread_records`: how many of each partition's last records are read at the start, where
        there may be very many; None: all."""
        self.log = log
        self._reread_records = reread_records
        self._frontier: dict[int, int] = {}
        self._progress: OrderedDict[tuple[str, str], Progress] = OrderedDict()
        self._told: list[Callable[[str], None]] = []
        self._listening: list[Listening] = []

    async def run(self) -> None:
        """Follow the output until cancelled."""
        if self._reread_records is not None:
            end = await end_of(self.log)
            self._frontier = {p: max(0, last - self._reread_records) for p, last in end.items()}
        async for records in follow_on(self.log, self._frontier, BATCH_RECORDS):
            for record in records:
                self._enter(record)

    def progress(self, organization: str, task_id: str, run_id: UUID | None) -> Progress | None:
        """What the current run of a task has said last."""
        known = self._progress.get((organization, task_id))
        return known if known is not None and known.run_id == run_id else None

    def tell(self, changed: Callable[[str], None]) -> None:
        """From now on call this with the key of every root whose progress changes."""
        self._told.append(changed)

    @property
    def frontier(self) -> Mapping[int, int]:
        return dict(self._frontier)

    @contextmanager
    def listening(
        self, organization: str, wanted: Callable[[str], bool], limit: int
    ) -> Iterator[Listening]:
        listening = Listening(organization, wanted, self.frontier, limit)
        self._listening.append(listening)
        try:
            yield listening
        finally:
            self._listening.remove(listening)

    async def since(
        self, organization: str, wanted: Callable[[str], bool], start: Frontier, end: Frontier
    ) -> Sequence[OutputRecord]:
        """What one stream missed between two frontiers: up to one batch of the log looked at."""
        records = await self.log.read(start, BATCH_RECORDS)
        found = []
        for record in records:
            partition, offset = record.position
            if offset >= end.get(partition, 0):
                continue
            one = decoded(record)
            if one is None or one.event.organization != organization:
                continue
            if wanted(one.event.subject):
                found.append(one)
        return found

    def _enter(self, record: Record) -> None:
        partition, offset = record.position
        self._frontier[partition] = offset + 1
        one = decoded(record)
        if one is None:
            return
        event = one.event
        body = event.data
        if isinstance(body, TaskProgressed):
            name = (event.organization, event.subject)
            known = self._progress.get(name)
            if known is None or known.run_id != body.run_id or known.number < body.number:
                self._progress[name] = Progress(body.run_id, body.number, body.fraction, body.step)
                self._progress.move_to_end(name)
                if len(self._progress) > TASKS_KEPT:
                    self._progress.popitem(last=False)
                for tell in self._told:
                    tell(event.key)
        for listening in self._listening:
            listening.offer(one)


def decoded(record: Record) -> OutputRecord | None:
    """The record with its event; None for what is no output of ours. It is no history: a record
    that can't be read takes nothing from anybody, but it is said."""
    try:
        event = decode(record.value)
    except (MalformedEvent, UnknownVersion) as error:
        log.warning("unreadable output record", position=record.position, why=str(error))
        return None
    if not isinstance(event.data, TaskProgressed | TaskOutput):
        return None
    return OutputRecord(record, event)
