"""The keys under which tasks' secrets are sealed: one each, kept until its task has ended.

Named by the event that submits the task. Plain functions over a connection.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from services.control_store.tables import secret_keys as table


class KeyFor(NamedTuple):
    """Whose secrets a key seals."""

    id: str
    organization: str
    task_id: str


class KeptKey(NamedTuple):
    """One that hasn't been destroyed."""

    id: str
    organization: str
    task_id: str
    created_at_us: int


def make(connection: sa.Connection, named: KeyFor, key: bytes, now_us: int) -> bytes:
    """The key of this name: the one that is there, if the same request has come before."""
    there = find(connection, named.id)
    if there is None:
        connection.execute(table.insert().values(**named._asdict(), key=key, created_at_us=now_us))
    return there or key


def find(connection: sa.Connection, id: str) -> bytes | None:
    return connection.execute(sa.select(table.c.key).where(table.c.id == id)).scalar()


def destroy(connection: sa.Connection, ids: Collection[str]) -> int:
    """How many of them there were."""
    return connection.execute(table.delete().where(table.c.id.in_(ids))).rowcount


def kept(connection: sa.Connection, after: str, limit: int) -> Sequence[KeptKey]:
    """Those after this id, in the order of ids."""
    columns = (table.c.id, table.c.organization, table.c.task_id, table.c.created_at_us)
    query = sa.select(*columns).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [KeptKey(*row) for row in connection.execute(query)]
