"""Makes a log of exported files: the same bytes, in the same order, with the same append times.

All or nothing: the log has its name only once every line was good, is stored and was read back.
"""

import contextlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from events.errors import CountermandError
from services.embedded_log.offline import Stamped, fill, read_through
from services.embedded_log.writer_lock import WriterLock
from services.export_closing import lines_closed
from services.exported import Digest, ExportedLine, lines_of
from services.read_models.generations import FOLDER

LOG = "history"


class NotEmpty(CountermandError):
    """There is a history already, or what was made from one."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already: import into a data folder of its own")
        self.path = path


class Unlike(CountermandError):
    """What was written isn't what is read back."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} doesn't hold what was written: check its disk, and try again")
        self.path = path


class Imported(NamedTuple):
    """What the new log holds."""

    events: int
    digest: str


def import_history(
    files: Sequence[tuple[str, BinaryIO]], data: Path, took: Callable[[int], None]
) -> Imported:
    """Of several organizations' exports one log, by append time. `took`: so many bytes more."""
    path = data / f"{LOG}.sqlite"
    lock = WriterLock(path)
    try:
        for there in (path, data / FOLDER):
            if there.exists():
                raise NotEmpty(there)
        making = data / f"{LOG}.importing"
        remove(making)
        try:
            read = Digest()
            fill(making, LOG, kept(merged(files, took), read))
            stored = digest_of_file(making)
            if stored.hexdigest() != read.hexdigest():
                raise Unlike(making)
            making.rename(path)
        except BaseException:
            remove(making)
            raise
        return Imported(read.events, read.hexdigest())
    finally:
        lock.close()


def merged(
    files: Sequence[tuple[str, BinaryIO]], took: Callable[[int], None]
) -> Iterator[ExportedLine]:
    each = [lines_of(told(lines_closed(file, name), took), name) for name, file in files]
    return heapq.merge(*each, key=lambda line: line.appended_at) if len(each) > 1 else each[0]


def told(file: Iterable[bytes], took: Callable[[int], None]) -> Iterator[bytes]:
    for text in file:
        took(len(text))
        yield text


def kept(lines: Iterable[ExportedLine], digest: Digest) -> Iterator[Stamped]:
    for line in lines:
        digest.add(line.value)
        yield Stamped(line.value, line.appended_at_us)


def digest_of_file(path: Path) -> Digest:
    """Of the history in a file that nobody writes."""
    digest = Digest()
    for record in read_through(path, LOG):
        digest.add(record.value)
    return digest


def remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(name).unlink()
