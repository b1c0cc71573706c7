"""SQLite's write-ahead file, at its full length before the first append.

What is written in place is durable sooner than what makes a file longer
(docs/decisions/0207). SQLite writes it from its beginning each time that all of it has gone into
the database, and reads no further than what it wrote: what stands behind is nothing to it.
"""

import os
from contextlib import suppress
from pathlib import Path

LENGTH_BYTES = 4_200_000
"""A little more than the thousand pages after which SQLite goes back to the beginning."""
PIECE = bytes(4096)
"""Written one by one: a system keeps large writes in large pieces, of which it then has to look
through one whole to find the little that an append has changed."""


def lengthen(database: Path) -> None:
    """For the one who writes, before anything is appended. Where there is no room it stays as it
    is: only speed is at stake."""
    file = database.with_name(f"{database.name}-wal")
    with suppress(OSError), file.open("r+b", buffering=0) as ahead:
        before = ahead.seek(0, os.SEEK_END)
        try:
            for _ in range(before, LENGTH_BYTES, len(PIECE)):
                ahead.write(PIECE)
            os.fsync(ahead.fileno())
        except OSError:
            ahead.truncate(before)
            raise
