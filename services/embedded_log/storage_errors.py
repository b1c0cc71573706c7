"""What went wrong in the storage, in our words: what happened, what is known, what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from eventsourcing.persistence import IntegrityError, PersistenceError

from events.errors import CountermandError, LogDamaged, LogInUse, LogUnavailable


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Errors of SQLite and of the recorder, raised as ours."""
    try:
        yield
    except (sqlite3.Error, PersistenceError) as error:
        raise _explanation(where, error) from error


def restore() -> str:
    return (
        "Stop the service, keep the file with its -wal beside it, and restore a backup; "
        "`sqlite3 FILE .recover` saves what can still be read"
    )


def _explanation(where: str, error: Exception) -> CountermandError:
    cause = error if isinstance(error, sqlite3.Error) else error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    match code & 0xFF if code is not None else None:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return LogUnavailable(
                f"{where}: the disk is full, over its quota or failing ({error}). What was "
                "acknowledged is kept; what wasn't is unknown. Make room, then repeat it with "
                "the same event ids"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return LogUnavailable(
                f"{where} can't be opened or written ({error}). Let this user write the file and "
                "its folder, and check that the file system isn't mounted read-only"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LogUnavailable(
                f"{where} is held by another program, such as an open sqlite3 shell or a copy in "
                f"progress ({error}). End it, then repeat with the same event ids"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return LogDamaged(f"{where} is damaged ({error}). {restore()}")
        case sqlite3.SQLITE_ERROR:
            return LogDamaged(
                f"{where} isn't a log of Countermand ({error}). Check which file is configured"
            )
        case sqlite3.SQLITE_CONSTRAINT:
            return _somebody_else(where)
        case _ if isinstance(error, IntegrityError):
            return _somebody_else(where)
        case _:
            return LogUnavailable(
                f"{where} didn't answer as it should ({error}). What was acknowledged is kept; "
                "repeat the rest with the same event ids, and restart the service if that fails"
            )


def _somebody_else(where: str) -> LogInUse:
    return LogInUse(
        f"{where} has got records that this process didn't write: somebody else writes it. "
        "Stop one of the two, then start this one again"
    )
