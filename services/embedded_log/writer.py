"""Whoever stores: the one writer of a stream, whatever happens to its file."""

from collections.abc import Callable, Sequence

from events.errors import LogDamaged, LogUnavailable
from services.embedded_log.storage_errors import restore
from services.embedded_log.stream import Stream


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

    def append(self, values: Sequence[bytes]) -> int:
        """Store the values durably; the offset of the first."""
        stream = self._stream or self._opened_again()
        first = self.end
        try:
            for start in range(0, len(values), self._commit_limit_messages):
                chunk = values[start : start + self._commit_limit_messages]
                stream.insert(self.end, chunk, self._now_us())
                self.end += len(chunk)
        except LogUnavailable:
            # A transaction may still be open, and nobody knows what was kept.
            self.close()
            raise
        return first

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
