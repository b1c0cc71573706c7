"""What is asked of the control store can be asked of it on PostgreSQL, too."""

import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL

from services.control_store import open_control_store, webhooks
from services.control_store.idempotency import KeyName, claim
from services.control_store.migrations import NEWEST
from services.control_store.store import migrate, version
from services.control_store.tables import idempotency_keys
from services.control_store.webhooks import Endpoint

pytestmark = pytest.mark.postgres

PATIENCE_SECONDS = 30.0
ALEMBIC = "alembic_version"


async def test_text_that_postgresql_cannot_hold_is_no_error(
    tmp_path: Path, postgres_database: URL
) -> None:
    store = open_control_store(postgres_database.render_as_string(False), tmp_path)
    try:
        endpoint = Endpoint("e", "acme", "https://a.example", None, "a\0b", 1, "user:ann", None)
        assert await store.ask(
            lambda connection: webhooks.add(connection, endpoint, "whsec_x", {0: 3, 1: 4}, 5)
        )
        assert await store.ask(lambda connection: webhooks.find(connection, "acme", "e\0")) is None
        found = await store.ask(lambda connection: webhooks.find(connection, "acme", "e"))
        assert found == endpoint._replace(description="a\ufffdb")
        assert await store.ask(lambda connection: webhooks.position(connection, "e")) == {
            0: 3,
            1: 4,
        }
        name = KeyName("acme", "user:a\0nn", "k")
        for _ in range(2):
            claimed = await store.ask(
                lambda connection: claim(connection, name, "f", now_us=9, keep_us=5, limit=5)
            )
            assert claimed.same_request
    finally:
        store.close()


AN_ANSWER = {
    "organization": "acme",
    "principal": "user/ada",
    "key": "k",
    "fingerprint": "f",
    "created_at_us": 1,
    "body": b"kept",
}


def kept_for(column: sa.Column[Any]) -> Any:
    """What a store of an earlier release has in it."""
    kinds = {str: "kept", bytes: b"kept", bool: True}
    return kinds.get(column.type.python_type, 1)


def fill_what_is_new(connection: sa.Connection, known: Mapping[str, Any]) -> dict[str, Any]:
    """A row in each table that wasn't known yet, in the columns that it has by then."""
    found = sa.MetaData()
    found.reflect(connection)
    new = [table for table in found.sorted_tables if table.name not in {*known, ALEMBIC}]
    rows = {}
    for table in new:
        rows[table.name] = {column.name: kept_for(column) for column in table.columns}
        connection.execute(sa.insert(table).values(rows[table.name]))
    return rows


@pytest.mark.parametrize("where", ["file", "server"])
def test_a_store_of_each_earlier_release_is_upgraded_and_keeps_what_it_has(
    where: str, postgres_database: URL, tmp_path: Path
) -> None:
    url = postgres_database if where == "server" else f"sqlite:///{tmp_path / 'control.sqlite'}"
    engine = sa.create_engine(url)
    kept: dict[str, Any] = {}
    for number in range(1, int(NEWEST) + 1):
        migrate(engine, f"{number:04d}")
        assert version(engine) == f"{number:04d}"
        with engine.begin() as connection:
            kept |= fill_what_is_new(connection, kept)
    assert version(engine) == NEWEST
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, idempotency_keys.metadata) == []
        for table in idempotency_keys.metadata.sorted_tables:
            [row] = connection.execute(sa.select(table)).mappings()
            assert {name: row[name] for name in kept[table.name]} == kept[table.name]
    engine.dispose()


def stands_still(connection: sa.Connection) -> None:
    """As a process that is stopped in a transaction, until PostgreSQL has hung up."""
    connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
    driver = connection.connection.driver_connection
    assert driver is not None
    assert select.select([driver.fileno()], [], [], PATIENCE_SECONDS)[0]


def how_many(connection: sa.Connection) -> int:
    counted = sa.select(sa.func.count()).select_from(idempotency_keys)
    return int(connection.execute(counted).scalar_one())


async def test_a_transaction_that_was_ended_for_silence_is_done_again(
    tmp_path: Path, postgres_database: URL
) -> None:
    store = open_control_store(postgres_database.render_as_string(False), tmp_path)
    times = []

    def keep(connection: sa.Connection) -> int:
        connection.execute(sa.insert(idempotency_keys).values(AN_ANSWER))
        times.append(1)
        if len(times) == 1:
            stands_still(connection)
        return how_many(connection)

    try:
        assert await store.ask(keep) == 1
        assert len(times) == 2
    finally:
        store.close()


async def test_who_stands_still_again_and_again_hears_that_the_store_was_lost(
    tmp_path: Path, postgres_database: URL
) -> None:
    store = open_control_store(postgres_database.render_as_string(False), tmp_path)

    def too_slow(connection: sa.Connection) -> None:
        connection.execute(sa.insert(idempotency_keys).values(AN_ANSWER))
        stands_still(connection)

    try:
        # What routes answer 503 for, and what waits tries again.
        with pytest.raises(sa.exc.OperationalError):
            await store.ask(too_slow)
        assert await store.look(how_many) == 0
    finally:
        store.close()
