"""Copies of SQLite files, made while others write them, and what can go wrong in our words.

Knows nothing of what is in them.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from events.errors import CountermandError

PAGES_AT_ONCE = 1000

Took = Callable[[str, int, int], None]
"""Hears which file is being copied, how much of it is done, and of how much."""


class NoCopy(CountermandError):
    """A file can't be copied as it is."""


def copy_database(source: Path, target: Path, took: Took) -> None:
    """One committed state of it, whoever writes meanwhile. A damaged one is refused."""
    with (
        explained(source, target),
        closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        # The read transaction holds this state; without it each step would begin anew.
        there.isolation_level = None
        there.execute("BEGIN")
        there.execute("SELECT count(*) FROM sqlite_master").fetchone()
        there.backup(
            here,
            pages=PAGES_AT_ONCE,
            progress=lambda _, left, all: took(source.name, all - left, all),
            sleep=0,
        )
        here.execute("PRAGMA journal_mode=DELETE")
        # Pages are copied as they are, without a look at what is in them.
        (found,) = here.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise damaged(source, found.splitlines()[-1])


@contextmanager
def explained(source: Path, target: Path) -> Iterator[None]:
    """Errors of SQLite, raised as ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        match code & 0xFF if code is not None else None:
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise damaged(source, error) from error
            case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                raise NoCopy(
                    f"{target} can't be written: the disk is full, over its quota or failing "
                    f"({error}). Make room, or name a folder on another disk"
                ) from error
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise NoCopy(
                    f"{source} is held by another program, such as an open sqlite3 shell "
                    f"({error}). End it, then try again"
                ) from error
            case _:
                raise NoCopy(
                    f"{source} can't be copied to {target} ({error}). Let this user read the one "
                    "and its folder, and write the other"
                ) from error


def damaged(source: Path, why: object) -> NoCopy:
    return NoCopy(
        f"{source} is damaged ({why}), and nothing was backed up. Keep it with its -wal beside it, "
        "and restore an earlier backup; `sqlite3 FILE .recover` saves what can still be read"
    )
