"""Endpoints of webhooks, and their secrets: written, used for signing, shown once. Plain functions
over a connection."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.control_store.tables import webhook_deliveries, webhook_endpoints, webhook_positions

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


class Endpoint(NamedTuple):
    """Who receives what. Its secrets are elsewhere."""

    id: str
    organization: str
    url: str
    types: tuple[str, ...] | None
    """Type tags of events; None: all."""
    description: str
    created_at_us: int
    created_by: str
    rotated_at_us: int | None


class Secrets(NamedTuple):
    """What deliveries are signed with."""

    current: str
    previous: str | None
    previous_until_us: int | None

    def good_at(self, now_us: int) -> list[str]:
        if self.previous is None or (self.previous_until_us or 0) <= now_us:
            return [self.current]
        return [self.current, self.previous]


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def add(
    connection: sa.Connection,
    endpoint: Endpoint,
    secret: str,
    start: Mapping[int, int],
    limit: int,
) -> bool:
    """Whether the organization may have another one. It hears what comes from `start` on."""
    table = webhook_endpoints
    mine = table.c.organization == endpoint.organization
    count = connection.execute(sa.select(sa.func.count()).select_from(table).where(mine)).scalar()
    if (count or 0) >= limit:
        return False
    types = None if endpoint.types is None else json.dumps(endpoint.types)
    connection.execute(
        table.insert().values(**{**endpoint._asdict(), "types": types}, secret=secret)
    )
    put_position(connection, endpoint.id, start)
    return True


def find(connection: sa.Connection, organization: str, id: str) -> Endpoint | None:
    table = webhook_endpoints
    where = (table.c.id == id, table.c.organization == organization)
    row = connection.execute(sa.select(*COLUMNS).where(*where)).first()
    return None if row is None else _endpoint(row)


def listed(connection: sa.Connection, organization: str | None = None) -> list[Endpoint]:
    """An organization's, or all; the oldest first."""
    query = sa.select(*COLUMNS).order_by(webhook_endpoints.c.created_at_us, webhook_endpoints.c.id)
    if organization is not None:
        query = query.where(webhook_endpoints.c.organization == organization)
    return [_endpoint(row) for row in connection.execute(query)]


def secrets_of(connection: sa.Connection, id: str) -> Secrets | None:
    table = webhook_endpoints
    columns = (table.c.secret, table.c.previous_secret, table.c.previous_until_us)
    row = connection.execute(sa.select(*columns).where(table.c.id == id)).first()
    return None if row is None else Secrets(*row)


def rotate(
    connection: sa.Connection,
    organization: str,
    id: str,
    secret: str,
    now_us: int,
    previous_until_us: int,
) -> Endpoint | None:
    """With another secret; the one before stays good for a while. One before that is forgotten."""
    table = webhook_endpoints
    connection.execute(
        table.update()
        .where(table.c.id == id, table.c.organization == organization)
        .values(
            previous_secret=table.c.secret,
            previous_until_us=previous_until_us,
            secret=secret,
            rotated_at_us=now_us,
        )
    )
    return find(connection, organization, id)


def remove(connection: sa.Connection, organization: str, id: str) -> Endpoint | None:
    """With its deliveries and its position."""
    endpoint = find(connection, organization, id)
    if endpoint is not None:
        for table in (webhook_deliveries, webhook_positions):
            connection.execute(table.delete().where(table.c.endpoint_id == id))
        table = webhook_endpoints
        connection.execute(table.delete().where(table.c.id == id))
    return endpoint


def position(connection: sa.Connection, id: str) -> dict[int, int]:
    """How far its lines were queued."""
    table = webhook_positions
    query = sa.select(table.c.partition, table.c.next_offset).where(table.c.endpoint_id == id)
    return {row.partition: row.next_offset for row in connection.execute(query)}


def put_position(connection: sa.Connection, id: str, frontier: Mapping[int, int]) -> None:
    table = webhook_positions
    connection.execute(table.delete().where(table.c.endpoint_id == id))
    rows: Sequence[dict[str, Any]] = [
        {"endpoint_id": id, "partition": partition, "next_offset": offset}
        for partition, offset in frontier.items()
    ]
    if rows:
        connection.execute(table.insert(), rows)


COLUMNS = [webhook_endpoints.c[name] for name in Endpoint._fields]


def _endpoint(row: sa.Row[Any]) -> Endpoint:
    endpoint = Endpoint._make(row)
    types = row.types
    return endpoint._replace(types=None if types is None else tuple(json.loads(types)))
