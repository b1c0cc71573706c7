"""A connection: statements, rows, and the transactions they are in.

What runs for every event or request is text that goes to the driver as it is; statements that are
put together for one question go through SQLAlchemy, which keeps what it compiled.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import Connection, Index, Select
from sqlalchemy.exc import DBAPIError

from projections.upserts import ChangeAlike, Upsert
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.flavour import Flavour, numbered, plain

IDS_AT_ONCE = (1000, 100, 10, 1)
ROWS_AT_ONCE = (256, 32, 4, 1)
"""In one statement. Beside a busy event loop each statement may cost a thread milliseconds."""
COPIED_ROWS = 16
"""From so many on PostgreSQL takes rows that never change by COPY, which knows no placeholders."""

Row: TypeAlias = tuple[Any, ...]
About = TypeVar("About")
Answer = TypeVar("Answer")


class Compiled(NamedTuple):
    """A statement as the driver takes it."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def cells(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        constants = self.constants
        return tuple(given[name] if name in given else constants[name] for name in self.names)


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
        self._rows_cursor = self._cursor
        if flavour.numbers_placeholders:
            # The driver would look for placeholders in each statement anew: of one with thousands
            # of them that takes longer than what the statement does.
            self._rows_cursor = connection.dialect.loaded_dbapi.RawCursor(driver)
        self._errors = connection.dialect.loaded_dbapi.Error
        self._defects: type[Exception] = connection.dialect.loaded_dbapi.ProgrammingError
        self._failed = False
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
        if self.flavour.copies and upsert.changes_nothing and len(rows) >= COPIED_ROWS:
            self._copy(upsert.copy, rows)
            return
        start = 0
        for size in ROWS_AT_ONCE:
            while len(rows) - start >= size:
                text = self._texts.get((upsert, size))
                if text is None:
                    text = self._texts[upsert, size] = self._as_sent(upsert.text(size))
                self._put(text, list(chain.from_iterable(rows[start : start + size])))
                start += size

    def change(self, change: ChangeAlike, cells: Row, ids: Sequence[str]) -> None:
        """Change all these rows to the same, in few statements."""
        start = 0
        for size in IDS_AT_ONCE:
            while len(ids) - start >= size:
                self.run(change.text(size), (*cells, *ids[start : start + size]))
                start += size

    def _put(self, text: str, cells: Sequence[Any]) -> None:
        try:
            self._rows_cursor.execute(text, cells if self.flavour.takes_nul else plain(cells))
        except self._errors as error:
            raise self._unavailable(error) from error

    def _copy(self, text: str, rows: Sequence[Row]) -> None:
        takes_nul = self.flavour.takes_nul
        try:
            with self._cursor.copy(text) as copy:
                for row in rows:
                    copy.write_row(row if takes_nul else plain(row))
        except self._errors as error:
            raise self._unavailable(error) from error

    def _as_sent(self, text: str) -> str:
        flavour = self.flavour
        return numbered(text, flavour.placeholder) if flavour.numbers_placeholders else text

    def run(self, text: str, cells: Sequence[Any] = ()) -> None:
        try:
            self._cursor.execute(text, cells if self.flavour.takes_nul else plain(cells))
        except self._errors as error:
            raise self._unavailable(error) from error

    def run_each(self, text: str, rows: Sequence[Row]) -> None:
        """Once for each row. PostgreSQL isn't waited for between two of them."""
        if not rows:
            return
        given = rows if self.flavour.takes_nul else [plain(row) for row in rows]
        try:
            self._cursor.executemany(text, given)
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
        if self._failed:
            # Whoever lost it can't give it back in order.
            self._connection.invalidate()
        try:
            self._connection.close()
        except DBAPIError:
            """It was lost without anybody noticing."""

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
        self._failed = True
        return ReadModelsUnavailable.because(self._where, error)
