"""The history as a file: JSON Lines or CSV, a chunk at a time, however long it is.

In JSON Lines the event is the log's own bytes, so that a digest of them is that of the record; only
the line ends in somebody's laid-out JSON become blanks. What is exported is what was there when it
began. Whoever was cut off asks for the rest, from behind the
last whole line up to the same end.
"""

import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from pydantic_core import from_json

from events.positions import Frontier, written_position
from services.one_line import in_one_line
from services.read_models.organization import OrganizationView
from services.read_models.questions import HistoryFilter
from services.read_models.rows import HistoryLine

CHUNK_BYTES = 64_000
CSV_COLUMNS = (
    "position",
    "appended_at",
    "time",
    "type",
    "about",
    "subject",
    "actor_kind",
    "actor_id",
    "verdict",
    "reason",
    "late_seconds",
    "status",
    "event_id",
    "event",
)

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


async def as_json_lines(
    view: OrganizationView,
    where: HistoryFilter = HistoryFilter(),  # noqa: B008
    start: Frontier | None = None,
    end: Frontier | None = None,
) -> AsyncGenerator[bytes, None]:
    """An object a line: where the event stands, its verdict, and the event."""
    lines = view.every_line(where, start=start, end=end)
    async for chunk in chunks(json_line(line) async for line in lines):
        yield chunk


async def as_csv(
    view: OrganizationView,
    where: HistoryFilter = HistoryFilter(),  # noqa: B008
    start: Frontier | None = None,
    end: Frontier | None = None,
) -> AsyncGenerator[bytes, None]:
    """`CSV_COLUMNS`, named in the first row unless it goes on somewhere; the last one is the event
    as JSON."""
    if not start:
        yield csv_row(CSV_COLUMNS)
    lines = view.every_line(where, start=start, end=end)
    async for chunk in chunks(csv_line(line) async for line in lines):
        yield chunk


async def chunks(lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    waiting: list[bytes] = []
    size_bytes = 0
    async for line in lines:
        waiting.append(line)
        size_bytes += len(line)
        if size_bytes >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size_bytes = [], 0
    if waiting:
        yield b"".join(waiting)


def json_line(line: HistoryLine) -> bytes:
    said = json.dumps(
        {
            "position": written_position(line.position),
            "appended_at": line.appended_at.isoformat(),
            "about": line.about,
            "verdict": line.verdict,
            "reason": line.reason,
            "late_seconds": line.late_seconds,
            "status": line.status,
        }
    )
    return said[:-1].encode() + b', "event": ' + in_one_line(line.value) + b"}\n"


def csv_line(line: HistoryLine) -> bytes:
    event: dict[str, Any] = from_json(line.value)
    actor: dict[str, Any] = event["data"]["actor"]
    return csv_row(
        (
            written_position(line.position),
            line.appended_at.isoformat(),
            event["time"],
            event["type"],
            line.about,
            event["subject"],
            actor["kind"],
            no_formula(actor["id"]),
            line.verdict,
            line.reason,
            line.late_seconds,
            line.status,
            event["id"],
            line.value.decode(),
        )
    )


def no_formula(text: str) -> str:
    """Who they are is for them, or for another issuer, to say, and spreadsheets compute what begins
    like a formula. As it was it is in the event, the last column."""
    return f"'{text}" if text.startswith(FORMULAS) else text


def csv_row(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
