"""A stream's file while no service has it open: filled with another log's records, or read through.

Blocking. Append times are kept as they were, so that "as of a time" means the same in both logs.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from events.errors import LogDamaged
from services.embedded_log.limits import Limits
from services.embedded_log.sqlite_file import SQLiteFile


class Stamped(NamedTuple):
    """A record's bytes, and when they were appended."""

    value: bytes
    appended_at_us: int


def fill(path: Path, name: str, records: Iterable[Stamped]) -> int:
    """Make the file of these records, from offset 0 on; how many there are."""
    stream = SQLiteFile(path, name, "rwc")
    try:
        each, offset, at_once = iter(records), 0, Limits().commit_limit_messages
        while chunk := list(islice(each, at_once)):
            stream.insert_stamped(offset, [(one.value, one.appended_at_us) for one in chunk])
            offset += len(chunk)
        return offset
    finally:
        stream.close()


def read_through(path: Path, name: str) -> Iterator[Stamped]:
    """Every record of a file that nobody writes, in order. Leaves nothing beside it."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    try:
        rows = connection.execute(
            "SELECT originator_version, topic, state FROM stored_events WHERE originator_id = ? "
            "ORDER BY originator_version",
            (name,),
        )
        for expected, (offset, topic, value) in enumerate(rows):
            if offset != expected or not isinstance(value, bytes):
                raise LogDamaged(f"{path} has lost record {expected}")
            yield Stamped(value, appended_at_us(topic, path, expected))
    except sqlite3.DatabaseError as error:
        raise LogDamaged(f"{path} isn't a whole log ({error})") from error
    finally:
        connection.close()


def appended_at_us(topic: object, path: Path, offset: int) -> int:
    try:
        return int(str(topic))
    except ValueError:
        raise LogDamaged(f"{path}: record {offset} isn't as it was written") from None
