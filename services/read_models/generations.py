"""The generations of the read models in a folder, each a SQLite file of its own.

One is in use. A rebuild makes the next one beside it; naming it the successor, in one transaction
of the one in use, is the swap. So whoever is killed at any moment leaves exactly one in use, and
whatever stands above it unnamed is rubbish.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from projections.tables import LAYOUT, generation, metadata
from services.read_models.database import Database
from services.read_models.errors import OtherLayout, ReadModelsUnavailable, RebuildRunning
from services.read_models.session import Session

FOLDER = "read-models"
"""Of a service's data."""
PREFIX = "read-models-"
SUFFIX = ".sqlite"


class Generations:
    """Blocking, all of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def live(self) -> int:
        """The number of the generation in use; the first one is made if there is none."""
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        numbers = self.numbers()
        if not numbers:
            self.make(1)
            return 1
        number = numbers[0]
        while (successor := self._read(number)[1]) is not None:
            if not self.path(successor).exists():
                path = self.path(number)
                raise ReadModelsUnavailable.because(path, f"its successor {successor} is gone")
            number = successor
        return number

    def numbers(self) -> list[int]:
        """Of all that is there, in use or not."""
        names = (path.name for path in self.folder.glob(f"{PREFIX}*{SUFFIX}"))
        digits = (name.removeprefix(PREFIX).removesuffix(SUFFIX) for name in names)
        return sorted(int(each) for each in digits if each.isdecimal())

    def path(self, number: int) -> Path:
        return self.folder / f"{PREFIX}{number:04d}{SUFFIX}"

    def database(self, number: int) -> Database:
        return Database(URL.create("sqlite", database=str(self.path(number))))

    def in_use(self) -> Database:
        """The generation in use, if this release can write and read it."""
        number = self.live()
        if not self.has_our_layout(number):
            raise OtherLayout(str(self.path(number)), self._read(number)[0], LAYOUT)
        self.remove_before(number)
        return self.database(number)

    def has_our_layout(self, number: int) -> bool:
        return self._read(number)[0] == LAYOUT

    def make(self, number: int) -> None:
        """An empty generation, all of it or nothing."""
        path = self.path(number).with_suffix(".new")
        with explained(path):
            path.unlink(missing_ok=True)
            with new_file(path).engine.connect() as connection:
                metadata.create_all(connection)
                connection.execute(insert(generation).values(number=number, layout=LAYOUT))
            to_disk(path)
            path.rename(self.path(number))
            to_disk(self.folder)

    def begin(self, number: int) -> Database:
        """A generation to be built: its tables, empty and without their indexes."""
        self.remove(number)
        database = new_file(self.path(number))
        with explained(self.path(number)), database.engine.connect() as connection:
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table))
            connection.execute(insert(generation).values(number=number, layout=LAYOUT))
        return database

    def make_durable(self, number: int) -> None:
        """From then on a power cut can't take it back."""
        to_disk(self.path(number))
        to_disk(self.folder)

    def remove(self, number: int) -> None:
        path = self.path(number)
        for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            each.unlink(missing_ok=True)

    def remove_before(self, number: int) -> None:
        """What was superseded. Whoever still has it open can read it to the end."""
        for each in self.numbers():
            if each < number:
                self.remove(each)

    def give_way(self, session: Session) -> None:
        """The lock on a file is its process's, which only its end gives back."""

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Held by the one rebuild that may run; whoever dies gives it back."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "rebuild.lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RebuildRunning(str(self.folder)) from None
            yield
        finally:
            os.close(lock)

    def _read(self, number: int) -> tuple[int, int | None]:
        """Its layout, and its successor if it has one."""
        path = self.path(number)
        with explained(path), self.database(number).engine.connect() as connection:
            row = connection.execute(select(generation.c.layout, generation.c.successor)).first()
        if row is None:
            raise ReadModelsUnavailable.because(path, "it is no generation of read models")
        return row.layout, row.successor


@contextmanager
def explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise ReadModelsUnavailable.because(path, error.orig) from error
    except OSError as error:
        raise ReadModelsUnavailable.because(path, error) from error


def to_disk(path: Path) -> None:
    """A file's contents, or a folder's names."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def new_file(path: Path) -> Database:
    return Database(URL.create("sqlite", database=str(path)), building=True)
