"""The rows of the pulse where every gateway finds them: two tables of their own in PostgreSQL.

A partition's rows belong to the worker that took it over last; whoever had it before can't write
them any more. Knows nothing of what the rows mean. Blocking, all of it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from services.pulse_worker.rows import LAYOUT
from services.read_models.database import POSTGRES_ARGUMENTS
from services.read_models.errors import ReadModelsUnavailable
from services.silence import end_silent_transactions

MAKING = 0x0C04_0005
NOBODYS = -1
"""The partition of rows that are no partition's: executors."""

Key: TypeAlias = tuple[str, str]
"""Kind and key."""

metadata = MetaData(schema="pulse")
owners = Table(
    f"owners_{LAYOUT}",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("worker", String(100), nullable=False),
)
rows = Table(
    f"rows_{LAYOUT}",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("row", Text, nullable=False),
)


class Shelf:
    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine: Engine = create_engine(
            url, pool_size=1, pool_pre_ping=True, connect_args=POSTGRES_ARGUMENTS
        )
        end_silent_transactions(self._engine)

    def open(self) -> None:
        """Make the tables, where there are none yet."""
        with self._begun() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MAKING})"))
            connection.execute(CreateSchema("pulse", if_not_exists=True))
            metadata.create_all(connection)

    def close(self) -> None:
        self._engine.dispose()

    def take_over(self, partition: int, worker: str, found: Mapping[Key, Any]) -> None:
        """From now on its rows are this worker's, and these."""
        with self._begun() as connection:
            mine = insert(owners).values(partition=partition, worker=worker)
            connection.execute(
                mine.on_conflict_do_update(index_elements=["partition"], set_={"worker": worker})
            )
            connection.execute(rows.delete().where(rows.c.partition == partition))
            put(connection, partition, found)

    def write(
        self, partition: int, worker: str, changed: Mapping[Key, Any], gone: Iterable[Key]
    ) -> bool:
        """Whether the partition is still this worker's; if not, nothing is written."""
        with self._begun() as connection:
            owner = connection.execute(
                select(owners.c.worker).where(owners.c.partition == partition).with_for_update()
            ).scalar()
            if owner != worker:
                return False
            for kind, key in gone:
                connection.execute(
                    rows.delete().where(
                        rows.c.partition == partition, rows.c.kind == kind, rows.c.key == key
                    )
                )
            put(connection, partition, changed)
        return True

    def read(self) -> list[tuple[str, Any]]:
        """Every row, with its kind."""
        with self._begun() as connection:
            found = connection.execute(select(rows.c.kind, rows.c.row)).all()
        return [(kind, json.loads(row)) for kind, row in found]

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise ReadModelsUnavailable.because(self._url, error.orig) from error


def put(connection: Connection, partition: int, found: Mapping[Key, Any]) -> None:
    if not found:
        return
    values = [
        {"partition": partition, "kind": kind, "key": key, "row": json.dumps(row)}
        for (kind, key), row in found.items()
    ]
    statement = insert(rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["partition", "kind", "key"], set_={"row": statement.excluded.row}
        ),
        values,
    )
