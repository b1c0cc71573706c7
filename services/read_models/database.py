"""One generation's tables, in SQLite or PostgreSQL by the URL alone: how a connection is set up."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, NullPool, Select, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from services.read_models.errors import ReadModelsUnavailable
from services.read_models.flavour import POSTGRESQL, SQLITE, plain
from services.read_models.session import Compiled, Session

BUSY_TIMEOUT_SECONDS = 60
"""How long a write waits for another writer: a rebuild that takes over holds the lock briefly."""

POSTGRES_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 10,
    # A machine that has vanished is noticed within half a minute, by us and by the server.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
SERVER_KEEPALIVES = "-ctcp_keepalives_idle=10 -ctcp_keepalives_interval=5 -ctcp_keepalives_count=3"


class Database:
    """One generation's tables, by URL."""

    def __init__(self, url: URL, *, schema: str | None = None, building: bool = False) -> None:
        """`building`: nobody reads them yet, and they needn't survive a crash."""
        self.url = url
        self.schema = schema
        if url.get_backend_name() == "sqlite":
            _know_plain_cells()
            self.flavour = SQLITE
            self.engine = _engine(url, {"timeout": BUSY_TIMEOUT_SECONDS})
            event.listen(self.engine, "connect", _build_quickly if building else _set_up)
        else:
            self.flavour = POSTGRESQL
            arguments = {
                **POSTGRES_ARGUMENTS,
                "options": f"-csearch_path={schema} {SERVER_KEEPALIVES}",
            }
            self.engine = _engine(url, arguments, paramstyle="format")
            event.listen(self.engine, "before_cursor_execute", _make_plain, retval=True)

    @property
    def dialect(self) -> Dialect:
        return self.engine.dialect

    def connect(self) -> Session:
        try:
            return Session(self.engine.connect(), self.flavour, repr(self.url))
        except DBAPIError as error:
            raise ReadModelsUnavailable.because(self.url, error.orig) from error

    def compiled(self, statement: Select[Any]) -> Compiled:
        done = statement.compile(self.engine, compile_kwargs={"render_postcompile": True})
        constants = {name: value for name, value in done.params.items() if value is not None}
        return Compiled(str(done), tuple(done.positiontup or ()), constants)


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


def _know_plain_cells() -> None:
    """For each cell that is no number or text, sqlite3 looks who adapts it. To be told about None
    and bytes spares it a third of what a row costs; both stay what they are."""
    nothing: dict[None, None] = {}
    sqlite3.register_adapter(type(None), nothing.get)  # None for None, without running Python.
    sqlite3.register_adapter(bytes, bytes)


def _set_up(driver: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """What was lost by a power cut is in the log: no commit waits for the disk."""
    # The cache holds what one cancel of ten thousand tasks changes.
    _pragmas(
        driver, "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=OFF", "cache_size=-16000"
    )


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
