"""A log written in bulk, before anybody reads it."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from services.embedded_log.sqlite_file import SQLiteFile

RECORDS_AT_ONCE = 10_000
"""In one commit, which waits for the disk."""
FIRST_APPENDED_US = 1_767_225_600_000_000
EACH_US = 1_000


def write_log(data: Path, values: Iterable[bytes]) -> None:
    """All records of a commit have the append time of its first one."""
    stream = SQLiteFile(data / "history.sqlite", "history", "rwc")
    remaining, offset = iter(values), 0
    while batch := list(islice(remaining, RECORDS_AT_ONCE)):
        stream.insert(offset, batch, FIRST_APPENDED_US + EACH_US * offset)
        offset += len(batch)
    stream.close()
