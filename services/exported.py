"""Reads what an export wrote, line by line, with the log's own bytes as they were.

Owns what a good line is. Whatever isn't one is refused with its number: a file that somebody
changed, cut or put together wrongly never becomes a history.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from events.errors import CountermandError, MalformedEvent, UnknownVersion
from events.event import decode
from events.positions import Position, read_frontier
from projections.moments import us

EVENT = b', "event": '


class NoExport(CountermandError):
    """A line that no export has written there."""

    def __init__(self, name: str, number: int, why: str) -> None:
        super().__init__(f"{name}, line {number}: {why}. Nothing was imported; export it again")
        self.name = name
        self.number = number


class Said(BaseModel):
    """What a line says of its event."""

    model_config = ConfigDict(extra="ignore")

    position: str
    appended_at: AwareDatetime


class ExportedLine(NamedTuple):
    """A record of the log that was exported."""

    position: Position
    appended_at: datetime
    value: bytes

    @property
    def appended_at_us(self) -> int:
        return us(self.appended_at)


def lines_of(file: Iterable[bytes], name: str) -> Iterator[ExportedLine]:
    """In the order of the file, which must be that of the log."""
    last: dict[int, int] = {}
    for number, text in enumerate(file, 1):
        line = line_in(text, name, number)
        partition, offset = line.position
        if offset <= last.get(partition, -1):
            raise NoExport(name, number, "it isn't behind the line before")
        last[partition] = offset
        yield line


def line_in(text: bytes, name: str, number: int) -> ExportedLine:
    said, found, value = text.partition(EVENT)
    if not found or not value.endswith(b"}\n"):
        raise NoExport(name, number, "not a whole line of an export as JSON Lines")
    value = value.removesuffix(b"}\n")
    try:
        about = Said.model_validate_json(said + b"}")
        ((partition, offset),) = read_frontier(about.position).items()
        decode(value)
    except (ValidationError, ValueError, MalformedEvent):
        raise NoExport(name, number, "not what an export writes") from None
    except UnknownVersion as error:
        raise NoExport(name, number, str(error)) from None
    return ExportedLine(Position(partition, offset), about.appended_at, value)


class Digest:
    """Of events' bytes in an order, the same for a file, a log and a copy of it."""

    def __init__(self) -> None:
        self.events = 0
        self._hash = hashlib.sha256()

    def add(self, value: bytes) -> None:
        self.events += 1
        self._hash.update(len(value).to_bytes(8, "big"))
        self._hash.update(value)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
