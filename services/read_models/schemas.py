"""The generations of the read models in a PostgreSQL database, each a schema of its own.

As with files, one is in use, and naming its successor is the swap. Many processes read it: the
predecessor of the one in use stays, until nobody can still be reading it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from projections.tables import LAYOUT, generation, metadata
from services.read_models.database import POSTGRES_ARGUMENTS, Database
from services.read_models.errors import OtherLayout, ReadModelsUnavailable, RebuildRunning
from services.read_models.session import Session
from services.silence import END_TRANSACTION_WHEN_SILENT, milliseconds

PREFIX = "read_models_"
SILENCE_LIMIT_SECONDS = 10.0
MAKING, REBUILDING = 0x0C04_0003, 0x0C04_0004
"""Numbers of PostgreSQL's locks: whoever makes the first generation, or rebuilds."""


class Schemas:
    """Blocking, all of it."""

    def __init__(self, url: URL, silence_limit_seconds: float = SILENCE_LIMIT_SECONDS) -> None:
        """`silence_limit_seconds`: whoever stands still for so long in what holds up others loses
        its locks."""
        self.url = url
        self._silence_limit = milliseconds(silence_limit_seconds)
        self._engine: Engine = create_engine(
            url, poolclass=NullPool, connect_args=POSTGRES_ARGUMENTS
        )

    def live(self) -> int:
        """The number of the generation in use; the first one is made if there is none."""
        numbers = self.numbers()
        if not numbers:
            with self._begun() as connection:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MAKING})"))
                if not self._numbers(connection):
                    self._make(connection, 1, with_indexes=True)
            return 1
        number = numbers[0]
        while (successor := self._read(number)[1]) is not None:
            if successor not in numbers:
                why = f"the successor {successor} of generation {number} is gone"
                raise ReadModelsUnavailable.because(self.url, why)
            number = successor
        return number

    def numbers(self) -> list[int]:
        """Of all that is there, in use or not."""
        with self._begun() as connection:
            return self._numbers(connection)

    def name(self, number: int) -> str:
        return f"{PREFIX}{number:04d}"

    def database(self, number: int) -> Database:
        return Database(self.url, schema=self.name(number))

    def in_use(self) -> Database:
        """The generation in use, if this release can write and read it."""
        number = self.live()
        layout = self._read(number)[0]
        if layout != LAYOUT:
            raise OtherLayout(f"{self.url!r}, schema {self.name(number)}", layout, LAYOUT)
        return self.database(number)

    def has_our_layout(self, number: int) -> bool:
        return self._read(number)[0] == LAYOUT

    def begin(self, number: int) -> Database:
        """A generation to be built: its tables, empty and without their indexes."""
        with self._begun() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {self.name(number)} CASCADE"))
            self._make(connection, number, with_indexes=False)
        return self.database(number)

    def make_durable(self, number: int) -> None:
        """Every commit already was."""

    def remove(self, number: int) -> None:
        with self._begun() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {self.name(number)} CASCADE"))

    def remove_before(self, number: int) -> None:
        """What was superseded, but for the last one: others may still be reading it."""
        for each in self.numbers():
            if each < number - 1:
                self.remove(each)

    def give_way(self, session: Session) -> None:
        session.query(END_TRANSACTION_WHEN_SILENT, (self._silence_limit,))

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        """Held by the one rebuild that may run; whoever dies gives it back. Who only stands still
        keeps it: it goes on in its generation when it is let, and nobody may be in that then."""
        with self._engine.connect() as connection:
            taken = connection.execute(text(f"SELECT pg_try_advisory_lock({REBUILDING})")).scalar()
            connection.commit()
            if not taken:
                raise RebuildRunning(repr(self.url))
            yield

    def _numbers(self, connection: Connection) -> list[int]:
        names = connection.execute(
            text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :prefix)"),
            {"prefix": PREFIX},
        ).scalars()
        digits = (name.removeprefix(PREFIX) for name in names)
        return sorted(int(each) for each in digits if each.isdecimal())

    def _make(self, connection: Connection, number: int, *, with_indexes: bool) -> None:
        """All of it or nothing: this is one transaction."""
        connection.execute(text(f"CREATE SCHEMA {self.name(number)}"))
        connection.execute(text(f"SET LOCAL search_path TO {self.name(number)}"))
        if with_indexes:
            metadata.create_all(connection)
        else:
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table))
        connection.execute(insert(generation).values(number=number, layout=LAYOUT))

    def _read(self, number: int) -> tuple[int, int | None]:
        """Its layout, and its successor if it has one."""
        with self._begun() as connection:
            connection.execute(text(f"SET LOCAL search_path TO {self.name(number)}"))
            row = connection.execute(select(generation.c.layout, generation.c.successor)).first()
        if row is None:
            why = f"schema {self.name(number)} is no generation of read models"
            raise ReadModelsUnavailable.because(self.url, why)
        return row.layout, row.successor

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise ReadModelsUnavailable.because(self.url, error.orig) from error
