"""The SQLite file of one stream, opened for its one writer or for a reader.

The recorder's pool opens connections when they are asked for, so each is set up and verified where
it is opened: one that could take back what was acknowledged is never used.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteDatastore,
)

from events.errors import LogDamaged, LogUnavailable
from services.embedded_log.storage_errors import explained, restore
from services.embedded_log.stream import Found, Row, Stream
from services.embedded_log.write_ahead import lengthen

FULL = 2
LOCKED_SECONDS = 2
"""So long another program that holds the file is waited for; none of ours does."""
STATEMENTS_KEPT = 8
"""Prepared. The recorder's own pool keeps one, and prepares each anew: half of a short read."""
COUNTED_AT_OPENING = 100_000
"""So many of the last offsets: milliseconds, whatever the length. All are checked when read."""


class DurablePool(SQLiteConnectionPool):
    """One connection, that never acknowledges what a power cut could take back."""

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(
            db_name=f"file:{quote(str(path))}?mode={mode}", pool_size=1, max_overflow=0
        )
        self._path = path

    def _create_connection(self) -> SQLiteConnection:
        connection = sqlite3.connect(
            self.db_name,
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=LOCKED_SECONDS,
            cached_statements=STATEMENTS_KEPT,
        )
        connection.row_factory = sqlite3.Row
        try:
            connection.execute(f"PRAGMA synchronous={FULL}")
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            (journal_mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            if (synchronous, journal_mode) != (FULL, "wal"):
                raise LogUnavailable(
                    f"{self._path} can't be written durably (synchronous={synchronous}, "
                    f"journal_mode={journal_mode}). Put it on a local file system"
                )
        except BaseException:
            connection.close()
            raise
        return SQLiteConnection(connection, max_age=None)


class DurableDatastore(SQLiteDatastore):
    """The recorder's own, on that pool."""

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(str(path), originator_id_type="text")
        self.pool = DurablePool(path, mode)
        self._kept: SQLiteConnection | None = None

    def keep(self) -> None:
        """Hold the one connection from now on: to fetch it each time takes a third of a commit."""
        self._kept = self.pool.get_connection()

    @contextmanager
    def get_connection(self, **kwargs: Any) -> Iterator[SQLiteConnection]:
        if self._kept is not None:
            yield self._kept
            return
        with super().get_connection(**kwargs) as connection:
            yield connection

    def close(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self.pool.put_connection(kept)
        super().close()


class OneStatementRecorder(SQLiteApplicationRecorder):
    """Stores its rows by one statement, which is a transaction of its own.

    At every statement a thread gives Python's lock away, and beside a busy event loop has it back
    only milliseconds later: one statement for each row would cost seconds (docs/decisions/0010).
    """

    def insert_rows(self, rows: Sequence[Row]) -> None:
        """As `insert_events`, without an object for each row."""
        places = ",".join(["(?,?,?,?)"] * len(rows))
        cells = list(chain.from_iterable(rows))
        with self.datastore.get_connection(commit=True) as connection:
            connection.cursor().execute(
                f"INSERT INTO {self.events_table_name} VALUES {places}", cells
            )


FETCH = """
SELECT rowid, originator_id, originator_version, topic, state FROM stored_events
WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?
"""


class SQLiteFile(Stream):
    """A stream in a file of its own."""

    def __init__(self, path: Path, name: str, mode: Literal["rwc", "ro"]) -> None:
        self._datastore = DurableDatastore(path, mode)
        self._rows = recorder = OneStatementRecorder(self._datastore)
        super().__init__(recorder, name, str(path))
        try:
            with explained(str(path)):
                if mode == "rwc":
                    self._check_writable()
                    recorder.create_table()
                    sync_folder(path)
                self._check()
                if mode == "rwc":
                    self._datastore.keep()
                    lengthen(path)
        except BaseException:
            self._datastore.close()
            raise

    def close(self) -> None:
        super().close()
        with explained(self.where):
            self._datastore.close()

    def _store(self, rows: Sequence[Row]) -> None:
        self._rows.insert_rows(rows)

    def _fetch(self, first: int, last: int, limit: int) -> Sequence[Found]:
        """As `select_notifications`, without an object for each row: half of what reading costs."""
        with self._datastore.transaction(commit=False) as cursor:
            sqlite_cursor: Any = cursor
            sqlite_cursor.row_factory = None
            cursor.execute(FETCH, (first, last, limit))
            found: list[Found] = cursor.fetchall()
            return found

    def _check_writable(self) -> None:
        """SQLite opens a write-protected file without a word, to be read only."""
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA user_version = 0")

    def _check(self) -> None:
        """Cheaply: both ends, and that the last offsets have no gap.

        Only before the end that was read first: another process may be writing.
        """
        end = self.end()
        start = max(0, end - COUNTED_AT_OPENING)
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(
                "SELECT count(*), max(originator_version) FROM stored_events "
                "WHERE originator_id = ? AND originator_version BETWEEN ? AND ?",
                (self._name, start, end - 1),
            )
            count, last = cursor.fetchone()
        if end > 0:
            self.select(0, 1, 1)
            self.select(end - 1, end, 1)
            if (count, last) != (end - start, end - 1):
                raise LogDamaged(
                    f"{self.where} has lost records: of the offsets {start} to {end - 1} there "
                    f"are {count}. {restore()}"
                )


def sync_folder(path: Path) -> None:
    """So that the new file's name, too, survives a power cut."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
