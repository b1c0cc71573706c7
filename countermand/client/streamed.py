"""Answers that come piece by piece: frames of a stream, rows of an export."""

import json
import re
from collections.abc import AsyncIterator, Mapping

from countermand.client.documents.history import Frame

JSON_POSITION = re.compile(rb'\{"position": "(\d+:\d+)"')
CLOSING = b'{"export": '
"""How the last line of an export as JSON Lines begins."""
CSV_POSITION = re.compile(rb"(\d+:\d+),")


async def frames(lines: AsyncIterator[str]) -> AsyncIterator[Frame]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Frame(
                fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"])
            )
            fields = {}


async def rows(chunks: AsyncIterator[bytes], format: str) -> AsyncIterator[bytes]:
    """Whole rows; one that was cut off is left out. A cell of CSV may have line breaks in it."""
    rest = b""
    async for chunk in chunks:
        *lines, last = chunk.split(b"\n")
        for line in lines:
            rest += line + b"\n"
            if format != "csv" or rest.count(b'"') % 2 == 0:
                yield rest
                rest = b""
        rest += last


def position_of(row: bytes, format: str) -> str | None:
    """Where the event of a row of an export stands; None: the row has none."""
    pattern = CSV_POSITION if format == "csv" else JSON_POSITION
    found = pattern.match(row)
    return found[1].decode() if found else None


def read_positions(text: str | None) -> dict[int, int]:
    """A frontier, or a position, by partition."""
    parts = (part.partition(":") for part in (text or "").split(",") if part)
    return {int(partition): int(offset) for partition, _, offset in parts}


def written_positions(behind: Mapping[int, int]) -> str | None:
    return ",".join(f"{k}:{v}" for k, v in sorted(behind.items())) or None
