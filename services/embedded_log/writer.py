"""Whoever stores: the one writer of a stream, whatever happens to its file."""

from collections.abc import Callable, Sequence
from itertools import count, repeat

from events.errors import LogDamaged, LogUnavailable
from events.log import Record
from events.positions import Position
from services.embedded_log.storage_errors import restore
from services.embedded_log.stream import PARTITION, Stream


class Writer:
    """Blocking, and not for two threads at once."""

    def __init__(
        self,
        open_stream: Callable[[], Stream],
        now_us: Callable[[], int],
        commit_limit_messages: int,
    ) -> None:
        self._open_stream = open_stream
        self._now_us = now_us
        self._commit_limit_messages = commit_limit_messages
        self._stream: Stream | None = open_stream()
        self.end = self._stream.end()

    def append(self, values: Sequence[bytes]) -> list[Record]:
        """Store the values durably; the records that they have become."""
        stream = self._stream or self._opened_again()
        records: list[Record] = []
        try:
            for start in range(0, len(values), self._commit_limit_messages):
                chunk = values[start : start + self._commit_limit_messages]
                now_us = self._now_us()
                stream.insert(self.end, chunk, now_us)
                positions = map(Position, repeat(PARTITION), count(self.end))
                records += map(Record, positions, chunk, repeat(now_us))
                self.end += len(chunk)
        except LogUnavailable:
            # A transaction may still be open, and nobody knows what was kept.
            self.close()
            raise
        return records

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _opened_again(self) -> Stream:
        stream = self._open_stream()
        end = stream.end()
        if end < self.end:
            stream.close()
            raise LogDamaged(
                f"{stream.where} holds {end} records, but {self.end} were acknowledged. {restore()}"
            )
        self._stream, self.end = stream, end
        return stream
