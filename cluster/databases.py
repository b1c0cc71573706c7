"""Fresh databases on a PostgreSQL server, whoever runs it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import URL

CONNECT_TIMEOUT_SECONDS = 10


@contextmanager
def fresh_database(server: URL) -> Iterator[URL]:
    """A database of the caller's own; it ends with the block, whoever is still connected."""
    name = f"countermand_{uuid.uuid4().hex}"
    _run(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield server.set(database=name)
    finally:
        _run(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(server: URL, statement: sql.Composed) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    # Neither statement may be part of a transaction.
    with psycopg.connect(
        address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS
    ) as connection:
        connection.execute(statement)
