"""One stream in one recorder: rows there, records here.

The offset is the row's version, counted from 0 without gaps; the recorder's own number is one more.
So a second writer collides, and what is missing shows. Every row that is read is checked for it.
"""

from collections.abc import Iterable, Sequence
from itertools import count, repeat
from typing import TypeAlias

from eventsourcing.persistence import ApplicationRecorder, StoredEvent

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

Found: TypeAlias = tuple[int, str, int, str, bytes]
"""The recorder's own number, and the row; all of it may be anything, as it is in the file."""


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
            rows = self._fetch(offset + 1, end, limit)
        records = [self._record(row, expected) for expected, row in enumerate(rows, offset)]
        if len(records) < min(limit, end - offset):
            raise self._without(offset + len(records))
        return records

    def _fetch(self, first: int, last: int, limit: int) -> Sequence[Found]:
        """By the recorder's numbers, both included."""
        return [
            (row.id, str(row.originator_id), row.originator_version, row.topic, row.state)
            for row in self._recorder.select_notifications(first, limit, stop=last)
        ]

    def _record(self, row: Found, offset: int) -> Record:
        number, name, version, topic, state = row
        if name != self._name:
            raise LogDamaged(
                f"{self.where} is no {self._name!r} log: its record {offset} belongs to "
                f"{str(name)[:80]!r}. Check which file is configured for which stream"
            )
        if version != offset or number != offset + 1:
            raise self._without(offset)
        value: object = state  # whatever is in the file
        try:
            appended_at_us = int(topic)
        except (TypeError, ValueError):
            raise self._changed(offset) from None
        if not isinstance(value, bytes) or abs(appended_at_us) > APPEND_TIME_LIMIT_US:
            raise self._changed(offset)
        return Record(Position(PARTITION, offset), value, appended_at_us)

    def _without(self, offset: int) -> LogDamaged:
        return LogDamaged(f"{self.where} has lost record {offset}. {restore()}")

    def _changed(self, offset: int) -> LogDamaged:
        return LogDamaged(f"{self.where}: record {offset} isn't as it was written. {restore()}")
