"""Connections to one generation's tables: SQLite or PostgreSQL, by the URL alone.

Owns how a connection is set up and how transactions begin. Statements that run for every event or
request are compiled once and given to the driver as they are; all others go through SQLAlchemy.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    Index,
    NullPool,
    Select,
    create_engine,
    event,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from projections.upserts import ChangeAlike, Upsert
from services.read_models.errors import ReadModelsUnavailable

BUSY_TIMEOUT_SECONDS = 60
"""How long a write waits for another writer: a rebuild that takes over holds the lock briefly."""
IDS_AT_ONCE = (1000, 100, 10, 1)
ROWS_AT_ONCE = (256, 32, 4, 1)
"""In one statement. Beside a busy event loop each statement may cost a thread milliseconds."""

Row: TypeAlias = tuple[Any, ...]
About = TypeVar("About")
Answer = TypeVar("Answer")


class Flavour(NamedTuple):
    """What differs between the databases."""

    placeholder: str
    begin_writing: str
    begin_reading: str
    for_update: str
    """Behind the first select of a writing transaction."""
    reads_inline: bool
    """Whether a look-up is so short that a thread would cost more than it."""
    takes_nul: bool
    """Whether text may hold the character of no character; where it may not, it is replaced."""


SQLITE = Flavour("?", "BEGIN IMMEDIATE", "BEGIN", "", reads_inline=True, takes_nul=True)
POSTGRESQL = Flavour(
    "%s",
    "BEGIN",
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    " FOR UPDATE OF generation",
    reads_inline=False,
    takes_nul=False,
)


class Compiled(NamedTuple):
    """A statement as the driver takes it."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def cells(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        constants = self.constants
        return tuple(given[name] if name in given else constants[name] for name in self.names)


class Database:
    """One generation's tables, by URL."""

    def __init__(self, url: URL, *, schema: str | None = None, building: bool = False) -> None:
        """`building`: nobody reads them yet, and they needn't survive a crash."""
        self.url = url
        if url.get_backend_name() == "sqlite":
            self.flavour = SQLITE
            self.engine = _engine(url, {"timeout": BUSY_TIMEOUT_SECONDS})
            event.listen(self.engine, "connect", _build_quickly if building else _set_up)
        else:
            self.flavour = POSTGRESQL
            self.engine = _engine(url, {"options": f"-csearch_path={schema}"}, paramstyle="format")
            event.listen(self.engine, "before_cursor_execute", _make_plain, retval=True)

    @property
    def dialect(self) -> Dialect:
        return self.engine.dialect

    def connect(self) -> "Session":
        try:
            return Session(self.engine.connect(), self.flavour, str(self.url))
        except DBAPIError as error:
            raise ReadModelsUnavailable.because(self.url, error.orig) from error

    def compiled(self, statement: Select[Any]) -> Compiled:
        done = statement.compile(self.engine, compile_kwargs={"render_postcompile": True})
        constants = {name: value for name, value in done.params.items() if value is not None}
        return Compiled(str(done), tuple(done.positiontup or ()), constants)


class Session:
    """One connection. For one thread at a time."""

    def __init__(self, connection: Connection, flavour: Flavour, where: str) -> None:
        self.flavour = flavour
        self._where = where
        self._connection = connection
        driver = connection.connection.dbapi_connection
        assert driver is not None
        self._driver = driver
        self._cursor = driver.cursor()
        self._errors = connection.dialect.loaded_dbapi.Error
        self._defects: type[Exception] = connection.dialect.loaded_dbapi.ProgrammingError
        self._texts: dict[tuple[Upsert, int], str] = {}

    def rows(self, statement: Compiled, **parameters: Any) -> list[Row]:
        return self.query(statement.text, statement.cells(parameters))

    def first(self, statement: Compiled, **parameters: Any) -> Row | None:
        rows = self.query(statement.text, statement.cells(parameters))
        return rows[0] if rows else None

    def query(self, text: str, cells: Sequence[Any] = ()) -> list[Row]:
        try:
            self._cursor.execute(text, cells if self.flavour.takes_nul else plain(cells))
            return list(self._cursor.fetchall())
        except self._errors as error:
            raise self._unavailable(error) from error

    def select(self, statement: Select[Any]) -> Sequence[Row]:
        """A statement that is put together for one question; SQLAlchemy keeps what it compiled."""
        try:
            return [tuple(row) for row in self._connection.execute(statement)]
        except DBAPIError as error:
            raise self._unavailable(error.orig) from error

    def stream(self, statement: Select[Any], rows_at_once: int) -> Iterator[list[Row]]:
        """However many rows there are, some at a time. Within `reading` or `writing`."""
        text = str(statement.compile(self._connection))
        try:
            # A cursor of PostgreSQL that has a name leaves the rows on the server.
            inline = self.flavour.reads_inline
            cursor: Any = self._driver.cursor() if inline else self._driver.cursor("stream")
            cursor.execute(text)
            while rows := cursor.fetchmany(rows_at_once):
                yield list(rows)
            cursor.close()
        except self._errors as error:
            raise self._unavailable(error) from error

    def create(self, index: Index) -> None:
        try:
            index.create(self._connection)
        except DBAPIError as error:
            raise self._unavailable(error.orig) from error

    def put(self, upsert: Upsert, rows: Sequence[Row]) -> None:
        """Put all rows into a table, in few statements."""
        start = 0
        for size in ROWS_AT_ONCE:
            while len(rows) - start >= size:
                text = self._texts.get((upsert, size))
                if text is None:
                    text = self._texts[upsert, size] = upsert.text(size)
                self.run(text, [cell for row in rows[start : start + size] for cell in row])
                start += size

    def change(self, change: ChangeAlike, cells: Row, ids: Sequence[str]) -> None:
        """Change all these rows to the same, in few statements."""
        start = 0
        for size in IDS_AT_ONCE:
            while len(ids) - start >= size:
                self.run(change.text(size), (*cells, *ids[start : start + size]))
                start += size

    def run(self, text: str, cells: Sequence[Any] = ()) -> None:
        try:
            self._cursor.execute(text, cells if self.flavour.takes_nul else plain(cells))
        except self._errors as error:
            raise self._unavailable(error) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction of the only writer."""
        with self._transaction(self.flavour.begin_writing):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything in here sees one committed state."""
        with self._transaction(self.flavour.begin_reading):
            yield

    def read(self, question: Callable[[About], Answer], about: About) -> Answer:
        """The answer to a question that sees one committed state; what `reading` is, for one call.

        It runs for every request: a context manager alone would cost as much as a look-up.
        """
        self.run(self.flavour.begin_reading)
        try:
            answer = question(about)
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return answer

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self.run(begin)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except self._errors:
            """There was nothing left to take back, or nobody left to tell."""

    def _unavailable(self, error: BaseException | None) -> BaseException:
        if error is not None and isinstance(error, self._defects):
            return error
        return ReadModelsUnavailable.because(self._where, error)


def plain(cells: Sequence[Any]) -> Sequence[Any]:
    """Names and the like, as PostgreSQL takes them; the bytes of the event keep what was said."""
    return [
        cell.replace("\0", "\ufffd") if isinstance(cell, str) and "\0" in cell else cell
        for cell in cells
    ]


def _engine(url: URL, arguments: dict[str, Any], **options: Any) -> Engine:
    return create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments, **options
    )


def _make_plain(
    _connection: Connection,
    _cursor: DBAPICursor,
    statement: str,
    cells: Sequence[Any],
    *_: object,
) -> tuple[str, Sequence[Any]]:
    return statement, plain(cells)


def _set_up(driver: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """What was lost by a power cut is in the log: no commit waits for the disk."""
    _pragmas(driver, "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=OFF")


def _build_quickly(driver: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    _pragmas(
        driver,
        "journal_mode=OFF",
        "synchronous=OFF",
        "locking_mode=EXCLUSIVE",
        "secure_delete=OFF",
        "cache_size=-64000",
    )


def _pragmas(driver: DBAPIConnection, *pragmas: str) -> None:
    cursor = driver.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
