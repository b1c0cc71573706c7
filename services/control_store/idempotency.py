"""Idempotency keys: which request a key stood for, and the first answer to it.

The events of such a request have ids derived from its key, so that a repeat after a crash repeats
them; what is kept here refuses another body under the same key, and gives the first answer again.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.control_store.tables import idempotency_keys as table


class Answer(NamedTuple):
    """What was answered first."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Claim(NamedTuple):
    """What is known of a key once it has been claimed."""

    same_request: bool
    answer: Answer | None
    """None: there has been none yet, or it was too large to keep."""
    full: bool = False
    """The organization has as many keys as it may have."""


class KeyName(NamedTuple):
    """Keys of different callers have nothing to do with each other."""

    organization: str
    principal: str
    key: str


def claim(
    connection: sa.Connection,
    name: KeyName,
    fingerprint: str,
    now_us: int,
    keep_us: int,
    limit: int,
) -> Claim:
    """Take the key for this request, unless it stands for one already."""
    known = _known(connection, name, fingerprint, now_us - keep_us)
    if known is not None:
        return known
    mine = table.c.organization == name.organization
    connection.execute(table.delete().where(mine, table.c.created_at_us <= now_us - keep_us))
    count = connection.execute(sa.select(sa.func.count()).select_from(table).where(mine)).scalar()
    if (count or 0) >= limit:
        return Claim(True, None, full=True)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {**name._asdict(), "fingerprint": fingerprint, "created_at_us": now_us}
    if connection.execute(insert(table).values(row).on_conflict_do_nothing()).rowcount == 0:
        # Another gateway was first, between our look and our word.
        return _known(connection, name, fingerprint, now_us - keep_us) or Claim(True, None)
    return Claim(True, None)


def _known(
    connection: sa.Connection, name: KeyName, fingerprint: str, after_us: int
) -> Claim | None:
    """What this key stands for, if it was taken after then."""
    row = connection.execute(
        sa.select(table.c.fingerprint, table.c.status, table.c.headers, table.c.body).where(
            *_is(name), table.c.created_at_us > after_us
        )
    ).first()
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        return Claim(False, None)
    if row.status is None:
        return Claim(True, None)
    return Claim(True, Answer(row.status, json.loads(row.headers), row.body))


def remember(connection: sa.Connection, name: KeyName, answer: Answer) -> None:
    """Keep the first answer; a later one changes nothing."""
    connection.execute(
        table.update()
        .where(*_is(name), table.c.status.is_(None))
        .values(status=answer.status, headers=json.dumps(dict(answer.headers)), body=answer.body)
    )


def forget(connection: sa.Connection, name: KeyName) -> None:
    """Give the key back: its request was refused before anything was appended."""
    connection.execute(table.delete().where(*_is(name), table.c.status.is_(None)))


def _is(name: KeyName) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.organization == name.organization,
        table.c.principal == name.principal,
        table.c.key == name.key,
    )
