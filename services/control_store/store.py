"""The control store's connection: opened, migrated, and used from asyncio.

Each subject (API keys, idempotency keys) has plain functions over a connection in a file of its
own; `ask` runs one of them in a transaction, in a thread, so that no loop waits for a disk.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from events.errors import CountermandError
from services.control_store.migrations import NEWEST
from services.read_models.database import POSTGRES_ARGUMENTS
from services.silence import end_silent_transactions, ended_for_silence

T = TypeVar("T")

FILE = "control.sqlite"
"""In the data folder."""
THREADS = 2
BUSY_SECONDS = 10.0
READS = "countermand_reads"
MIGRATING = 0x0C04_7EA4
"""The number of PostgreSQL's lock that whoever migrates holds."""


class ControlStoreUnavailable(CountermandError):
    """The database can't be reached, or refuses us."""

    def __init__(self, where: str, why: object, to_do: str) -> None:
        super().__init__(f"the control store at {where} can't be used: {why}. {to_do}")


OF_A_FILE = (
    "Free space or give access, if that is what is missing. If the file is damaged, stop the "
    "service, keep it, and restore a backup: nothing else knows what is in it"
)
OF_A_SERVER = (
    "Check its address, user and password (COUNTERMAND_POSTGRES, or COUNTERMAND_CONTROL_STORE_URL)"
)


class ControlStore:
    """A database that other processes (the command line) may write at the same time."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**{READS: True})
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="control-store")

    async def ask(self, do: Callable[[sa.Connection], T]) -> T:
        """The answer of `do`, committed. It may be done twice, the first time without effect."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.ask_now, do)

    async def look(self, read: Callable[[sa.Connection], T]) -> T:
        """The answer of what only reads: it waits for nobody who writes."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, done_again, self._reading, read
        )

    async def glance(self, read: Callable[[sa.Connection], T]) -> T:
        """The answer of what reads a few rows: from a file at once, since to hand it to a thread
        and back costs more than to read them (docs/decisions/0032)."""
        if self._engine.dialect.name == "sqlite":
            return done_again(self._reading, read)
        return await self.look(read)

    def ask_now(self, do: Callable[[sa.Connection], T]) -> T:
        """The same without asyncio, for the command line."""
        return done_again(self._engine, do)

    async def leave_nothing_behind(self) -> None:
        """What was deleted is no longer in the files either, once nobody else reads them."""
        if self._engine.dialect.name == "sqlite":
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._checkpoint)

    def _checkpoint(self) -> None:
        connection = self._engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        finally:
            connection.close()

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._engine.dispose()


def done_again(engine: sa.Engine, do: Callable[[sa.Connection], T]) -> T:
    """The answer of `do` in a transaction; in a second one, if this process stood still for so long
    in the first that PostgreSQL took that back."""
    try:
        with engine.begin() as connection:
            return do(connection)
    except sa.exc.OperationalError as error:
        if not ended_for_silence(error):
            raise
    with engine.begin() as connection:
        return do(connection)


def open_control_store(url: str | None, data: Path) -> ControlStore:
    """The store at this address, or the SQLite file in the data folder; migrated.

    Raises `ControlStoreUnavailable`.
    """
    if url is None:
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            to_do = "Choose a folder that this user may make and write (--data, COUNTERMAND_DATA)"
            raise ControlStoreUnavailable(str(data), error.strerror, to_do) from error
        url = f"sqlite:///{make_private(data / FILE)}"
    is_file = url.startswith("sqlite")
    arguments = {} if is_file else POSTGRES_ARGUMENTS
    engine = sa.create_engine(url, pool_pre_ping=not is_file, connect_args=arguments)
    if is_file:
        sa.event.listen(engine, "connect", _durable)
        sa.event.listen(engine, "begin", _begin_immediate)
    else:
        sa.event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
        end_silent_transactions(engine)
    try:
        migrate(engine)
    except sa.exc.DatabaseError as error:
        engine.dispose()
        to_do = OF_A_FILE if is_file else OF_A_SERVER
        raise ControlStoreUnavailable(repr(engine.url), error.orig, to_do) from error
    return ControlStore(engine)


def make_private(path: Path) -> Path:
    """A new file is this user's alone, as it will hold secrets, and SQLite gives what it puts
    beside it the same rights. One that is there isn't opened: to close it would give back the
    locks that SQLite holds on it in this process."""
    with suppress(OSError):  # it is there, or can't be made: SQLite says why
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return path


def migrate(engine: sa.Engine, to: str = NEWEST) -> None:
    """To the newest version. Alembic is loaded only when there is something for it to do."""
    there = version(engine)
    if there == to:
        return
    if to == NEWEST and there is not None and there > NEWEST:
        raise ControlStoreUnavailable(
            repr(engine.url),
            f"a newer release made its tables (version {there}, this one knows {NEWEST})",
            "Start that release, or restore the backup that was made before",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Services that start together would all make the same tables.
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def version(engine: sa.Engine) -> str | None:
    """Of the tables that are there."""
    if not sa.inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _durable(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # a destroyed key leaves no bytes in a free page


def _begin_immediate(connection: sa.Connection) -> None:
    """A transaction that reads first and then writes would be refused instead of waiting."""
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _without_nul(
    _connection: sa.Connection,
    _cursor: object,
    statement: str,
    parameters: Any,
    _context: object,
    executemany: bool,
) -> tuple[str, Any]:
    """PostgreSQL takes no text with the character of no character: what is asked for under such a
    name isn't there, and a description has a mark in its place."""
    each = map(_plain, parameters) if executemany else None
    return statement, _plain(parameters) if each is None else list(each)


def _plain(parameters: Any) -> Any:
    if not isinstance(parameters, Mapping):
        return parameters
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in parameters.items()
    }
