"""One stream in one recorder: rows there, records here.

The offset is the row's version, counted from 0 without gaps; the recorder's own number is one more.
So a second writer collides, and what is missing shows. Every row that is read is checked for it.
"""

from collections.abc import Iterable, Sequence
from itertools import count, repeat
from typing import TypeAlias

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent

from events.errors import LogClosed, LogDamaged
from events.log import Record
from events.positions import Position
from services.embedded_log.storage_errors import explained, restore

PARTITION = 0
"""The embedded log has no other."""
APPEND_TIME_LIMIT_US = 2**62
"""Further from 1970 no clock goes, and no read model can keep it."""

Row: TypeAlias = tuple[str, int, str, bytes]
"""Of the recorder's table: the stream's name, the offset, the append time, the bytes."""


class Stream:
    """Blocking, and not for two threads at once."""

    def __init__(self, recorder: ApplicationRecorder, name: str, where: str) -> None:
        self._recorder = recorder
        self._name = name
        self.where = where
        self._closed = False

    def check_open(self) -> None:
        if self._closed:
            raise LogClosed(
                f"{self.where} is closed, because this process ends. Nothing was stored"
            )

    def close(self) -> None:
        """May be called twice. Whatever is asked afterwards gets `LogClosed`."""
        self._closed = True

    def end(self) -> int:
        self.check_open()
        with explained(self.where):
            return self._recorder.max_notification_id() or 0

    def insert(self, offset: int, values: Sequence[bytes], appended_at_us: int) -> None:
        """Store the values durably, the first of them at this offset."""
        self._insert(offset, values, repeat(str(appended_at_us)))

    def insert_stamped(self, offset: int, values: Sequence[tuple[bytes, int]]) -> None:
        """The same, each with an append time of its own: of a log that they come from."""
        times = [str(appended_at_us) for _, appended_at_us in values]
        self._insert(offset, [value for value, _ in values], times)

    def _insert(self, offset: int, values: Sequence[bytes], times: Iterable[str]) -> None:
        self.check_open()
        rows = list(zip(repeat(self._name), count(offset), times, values, strict=False))
        with explained(self.where):
            self._store(rows)

    def _store(self, rows: Sequence[Row]) -> None:
        self._recorder.insert_events([StoredEvent(*row) for row in rows])

    def select(self, offset: int, end: int, limit: int) -> list[Record]:
        """Up to `limit` records from `offset` on, none at `end` or beyond it."""
        self.check_open()
        with explained(self.where):
            rows = self._recorder.select_notifications(offset + 1, limit, stop=end)
        records = [self._record(row, expected) for expected, row in enumerate(rows, offset)]
        if len(records) < min(limit, end - offset):
            raise self._without(offset + len(records))
        return records

    def _record(self, row: Notification, offset: int) -> Record:
        if row.originator_id != self._name:
            raise LogDamaged(
                f"{self.where} is no {self._name!r} log: its record {offset} belongs to "
                f"{str(row.originator_id)[:80]!r}. Check which file is configured for which stream"
            )
        if row.originator_version != offset or row.id != offset + 1:
            raise self._without(offset)
        value: object = row.state  # whatever is in the file
        try:
            appended_at_us = int(row.topic)
        except (TypeError, ValueError):
            raise self._changed(offset) from None
        if not isinstance(value, bytes) or abs(appended_at_us) > APPEND_TIME_LIMIT_US:
            raise self._changed(offset)
        return Record(Position(PARTITION, offset), value, appended_at_us)

    def _without(self, offset: int) -> LogDamaged:
        return LogDamaged(f"{self.where} has lost record {offset}. {restore()}")

    def _changed(self, offset: int) -> LogDamaged:
        return LogDamaged(f"{self.where}: record {offset} isn't as it was written. {restore()}")
