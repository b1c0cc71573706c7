"""The last line of an export as JSON Lines: which lines came before it, so that a file that was
cut at a line's end, or changed, is known for one.

    {"export": {"start": "0:0", "end": "0:43", "lines": 42, "sha256": "..."}}

`sha256` is that of the bytes of these lines; with filters, they are there as `where`. A part that
goes on where another was cut off closes only itself: what is before its `start` has to reach it.
"""

import hashlib
import json
import os
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue

from events.errors import CountermandError
from events.positions import Position, covers, read_frontier, written_frontier
from services.exported import NoExport

LINE_LIMIT_BYTES = 10_000
"""Of the last line: two frontiers and a digest."""
CSV_BEGINS = b"position,appended_at,"
JSON_BEGINS = (b'{"position": "', b'{"export": ')
LINE_BEGINS_BYTES = 32
POSITION = re.compile(rb'\{"position": "(\d{1,19}):(\d{1,19})"')


NO_FILTERS: Mapping[str, Any] = MappingProxyType({})


class Cut(CountermandError):
    """A file whose end is missing."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was cut: its last line, which says what came before it, is missing. Nothing "
            f"was imported; run `countermand export {name}` again, and it goes on to the end"
        )
        self.name = name


class Otherwise(CountermandError):
    """A file that holds something else."""

    def __init__(self, name: str, what: str, advice: str) -> None:
        super().__init__(f"{name} {what}. Nothing was imported; {advice}")
        self.name = name


class Part(BaseModel):
    """What a closing line says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: str
    end: str
    lines: int
    sha256: str
    where: dict[str, JsonValue] = {}
    """The filters: without any, every line of the organization is there."""


class Closing(BaseModel):
    """The closing line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    export: Part


class Counted:
    """Lines as they pass."""

    def __init__(self) -> None:
        self.lines = 0
        self._hash = hashlib.sha256()

    def add(self, lines: bytes) -> None:
        self.lines += lines.count(b"\n")
        self._hash.update(lines)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def closing(self, start: str, end: str, where: Mapping[str, Any] = NO_FILTERS) -> bytes:
        said: dict[str, Any] = {"start": start, "end": end, "lines": self.lines}
        said["sha256"] = self.hexdigest()
        if where:
            said["where"] = dict(where)
        return json.dumps({"export": said}, default=str).encode() + b"\n"


async def closed(
    chunks: AsyncGenerator[bytes, None], start: str, end: str, where: Mapping[str, Any] = NO_FILTERS
) -> AsyncGenerator[bytes, None]:
    """An export with its closing line."""
    counted = Counted()
    async with aclosing(chunks):
        async for chunk in chunks:
            counted.add(chunk)
            yield chunk
    yield counted.closing(start, end, where)


class Found(NamedTuple):
    """A closing line, and where in its file it begins."""

    part: Part
    at_bytes: int


def closing_of(file: BinaryIO, name: str) -> Found:
    """That of a file that is to be read from its beginning; `Cut` if it has none."""
    check_format(file, name)
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(max(0, size_bytes - LINE_LIMIT_BYTES))
    tail = file.read()
    file.seek(0)
    last = tail.rpartition(b"\n")[0].rpartition(b"\n")[2] if tail.endswith(b"\n") else tail
    try:
        part = Closing.model_validate_json(last).export
        read_frontier(part.start)
    except ValueError:
        raise Cut(name) from None
    return Found(part, size_bytes - len(last) - 1)


def check_format(file: BinaryIO, name: str) -> None:
    """Raises `Otherwise` for what plainly is no export as JSON Lines, whole or cut."""
    file.seek(0)
    begins = file.read(LINE_BEGINS_BYTES)
    if begins.startswith(CSV_BEGINS[: len(begins) or 1]):
        what = "is an export as CSV, which people read: it can't be imported"
    elif not any(each.startswith(begins[: len(each)]) for each in JSON_BEGINS):
        what = "is no export"
    else:
        return
    raise Otherwise(name, what, "import what `countermand export` writes as JSON Lines (jsonl)")


def check_whole(part: Part, name: str) -> None:
    if part.where:
        filters = ", ".join(f"{each}={value}" for each, value in part.where.items())
        what = f"was exported with filters ({filters}): other events are missing in it"
        raise Otherwise(name, what, "export the history again without them")


def lines_closed(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines before the closing one; refuses once they aren't those that it tells of."""
    part, left_bytes = closing_of(file, name)
    check_whole(part, name)
    start, before, counted = read_frontier(part.start), dict[int, int](), Counted()
    number = 0
    while left_bytes > 0:
        text = file.readline()
        number += 1
        left_bytes -= len(text)
        yield text
        found = POSITION.match(text)
        position = Position(int(found[1]), int(found[2])) if found else None
        if position is not None and covers(start, position):
            before[position.partition] = position.offset + 1
        else:
            counted.add(text)
    skipped = {p: offset for p, offset in start.items() if offset}
    if skipped and not before:
        what = f"begins at {part.start}: what was before it is missing"
        raise Otherwise(name, what, "put it behind the part before it, or export the history whole")
    if before and before != skipped:
        reached = written_frontier(before)
        raise NoExport(name, number + 1, f"it goes on from {part.start}, but they end at {reached}")
    if (counted.lines, counted.hexdigest()) != (part.lines, part.sha256):
        raise NoExport(name, number + 1, "the lines before it aren't those that were exported")
