"""What an earlier export has left in a file: where the next one goes on.

Cuts off a row that a crash left half, and nothing else: a file that no export has written stays as
it is.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from countermand.client import CLOSING, position_of, read_positions

Format: TypeAlias = Literal["jsonl", "csv"]

BEGINNINGS: dict[Format, bytes] = {
    "jsonl": b'{"position": "',
    "csv": b"position,appended_at,time,type,",
}
ROW_LIMIT_BYTES = 4_000_000
"""An event has a quarter of it at most. What is longer is no row that was cut off."""


class NoExport(Exception):
    """A file that something else has written."""


def whole_rows(
    file: Path, format: Format, heard: Callable[[bytes], None] = lambda _: None
) -> dict[int, int]:
    """Cut off what isn't a whole row, and the closing line, which will be another one; the frontier
    behind the last row. Raises `NoExport`. `heard`: is told every row that stays."""
    behind: dict[int, int] = {}
    if not file.exists():
        return behind
    whole = 0
    closed = False
    row, quotes = bytearray(), 0
    with file.open("r+b") as rows:
        first = rows.read(len(BEGINNINGS[format]))
        if not BEGINNINGS[format].startswith(first):
            raise NoExport
        rows.seek(0)
        for line in rows:
            row += line
            quotes += line.count(b'"')
            if len(row) > ROW_LIMIT_BYTES:
                raise NoExport
            if not line.endswith(b"\n") or (format == "csv" and quotes % 2):
                continue
            position = position_of(bytes(row), format)
            if closed:
                raise NoExport
            if row.startswith(CLOSING) and format == "jsonl":
                closed = True
                row, quotes = bytearray(), 0
                continue
            if position is not None:
                ((partition, offset),) = read_positions(position).items()
                behind[partition] = offset + 1
            elif whole or format != "csv":
                raise NoExport
            whole += len(row)
            heard(bytes(row))
            row, quotes = bytearray(), 0
        rows.truncate(whole)
    if not behind:
        file.unlink()  # At most the names of the columns, which come again.
    return behind


class OtherFilters(Exception):
    """A file that holds what was exported with other filters."""


def keep_filters(file: Path, where: Mapping[str, Any]) -> None:
    """What is asked for, noted beside the file as long as that isn't everything. Raises
    `OtherFilters` when the file has begun with something else."""
    note = file.with_name(f"{file.name}.filters")
    if file.exists() and file.stat().st_size:
        if (json.loads(note.read_text()) if note.exists() else {}) != where:
            raise OtherFilters
    elif where:
        note.write_text(json.dumps(where))
    else:
        note.unlink(missing_ok=True)
