"""One line of the history: a record of the log, the event in it, and the fold's verdict."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from events.errors import MalformedEvent
from events.event import Event, decode
from events.log import Record
from events.outcome import Outcome, void
from events.positions import Frontier
from events.state import ProjectState, TaskState
from events.words import Reason


class Entry(NamedTuple):
    """What every projection is made of."""

    record: Record
    event: Event | None
    """None: the bytes are no event; `trouble` says why, and the outcome is void."""
    outcome: Outcome
    trouble: str = ""
    after: TaskState | ProjectState | None = None
    """What the event is about, as it is from then on, whatever the verdict; None: not there."""
    live: bool | None = None
    """Whether the root is alive from then on; None: as before."""
    key: str = ""
    """Of the event's root."""


class Decoded(NamedTuple):
    """A record on its way to the fold."""

    record: Record
    event: Event | None
    trouble: str = ""
    key: str = ""
    """The event's; it is asked for again and again."""


def unread(records: Iterable[Record], frontier: Frontier) -> Iterator[Record]:
    """Those of the records that the frontier doesn't include, each of them once."""
    reached = dict(frontier)
    for record in records:
        partition, offset = record.position
        if offset >= reached.get(partition, 0):
            reached[partition] = offset + 1
            yield record


def decoded(record: Record) -> Decoded:
    """The record with its event. An unknown version raises: nobody goes past what it can't read."""
    try:
        event = decode(record.value)
    except MalformedEvent as error:
        return Decoded(record, None, error.why)
    return Decoded(record, event, "", event.key)


def malformed(one: Decoded) -> Entry:
    return Entry(one.record, None, void(Reason.MALFORMED), one.trouble)
