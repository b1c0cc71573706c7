"""Deliveries of webhooks that aren't over: queued, or given up. Plain functions over a connection.

A delivery that was accepted has no row any more.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from events.positions import Position
from services.control_store.tables import webhook_deliveries as table
from services.control_store.webhooks import put_position

PENDING, DEAD = "pending", "dead"


class Delivery(NamedTuple):
    """One event on its way to one endpoint."""

    endpoint_id: str
    partition: int
    offset: int
    event_id: str
    type: str
    root: str
    state: str
    attempts: int
    due_us: int
    """The next attempt isn't made before; of a dead one, when it died."""
    last_status: int | None
    last_error: str

    @property
    def position(self) -> Position:
        return Position(self.partition, self.offset)


COLUMNS = [table.c[name] for name in Delivery._fields]


class Standing(NamedTuple):
    """How deliveries to one endpoint go."""

    pending: int
    dead: int
    last_status: int | None
    last_error: str | None
    """Of the oldest delivery that waits for another attempt, or else of the last one given up;
    None: none of them has failed."""


def queue(
    connection: sa.Connection,
    endpoint_id: str,
    deliveries: Sequence[Delivery],
    frontier: Mapping[int, int],
) -> None:
    """Together with how far the history has been queued: nothing twice, nothing left out."""
    if deliveries:
        connection.execute(table.insert(), [each._asdict() for each in deliveries])
    put_position(connection, endpoint_id, frontier)


def pending(connection: sa.Connection, endpoint_id: str) -> list[Delivery]:
    """In the order of the log."""
    query = _of(endpoint_id, PENDING).order_by(table.c.partition, table.c.offset)
    return [Delivery(*row) for row in connection.execute(query)]


def dead(
    connection: sa.Connection, endpoint_id: str, after: Position | None, limit: int
) -> list[Delivery]:
    """In the order of the log, those behind a position."""
    query = _of(endpoint_id, DEAD).order_by(table.c.partition, table.c.offset).limit(limit)
    if after is not None:
        query = query.where(
            sa.tuple_(table.c.partition, table.c.offset) > sa.tuple_(*map(sa.literal, after))
        )
    return [Delivery(*row) for row in connection.execute(query)]


def dead_count(connection: sa.Connection, endpoint_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    where = (table.c.endpoint_id == endpoint_id, table.c.state == DEAD)
    return connection.execute(query.where(*where)).scalar() or 0


def standing(connection: sa.Connection, endpoint_id: str) -> Standing:
    counts = sa.select(table.c.state, sa.func.count()).where(table.c.endpoint_id == endpoint_id)
    rows = connection.execute(counts.group_by(table.c.state)).tuples()
    count: dict[str, int] = dict(rows.all())
    place = (table.c.partition, table.c.offset)
    waits = _of(endpoint_id, PENDING).where(table.c.last_error != "").order_by(*place).limit(1)
    died = _of(endpoint_id, DEAD).order_by(*(each.desc() for each in place)).limit(1)
    failed = connection.execute(waits).first() or connection.execute(died).first()
    return Standing(
        pending=count.get(PENDING, 0),
        dead=count.get(DEAD, 0),
        last_status=None if failed is None else failed.last_status,
        last_error=None if failed is None else failed.last_error,
    )


def accepted(connection: sa.Connection, delivery: Delivery) -> None:
    connection.execute(table.delete().where(*_is(delivery)))


def failed(connection: sa.Connection, delivery: Delivery, dead_limit: int) -> None:
    """Keep how it stands after an attempt, and no more dead ones than there may be."""
    connection.execute(table.update().where(*_is(delivery)).values(**delivery._asdict()))
    if delivery.state != DEAD:
        return
    excess = dead_count(connection, delivery.endpoint_id) - dead_limit
    for each in dead(connection, delivery.endpoint_id, None, max(excess, 0)):
        connection.execute(table.delete().where(*_is(each)))


def redeliver(
    connection: sa.Connection, endpoint_id: str, event_ids: Collection[str] | None, now_us: int
) -> int:
    """How many dead ones are queued again, as if they had never been tried."""
    where = [table.c.endpoint_id == endpoint_id, table.c.state == DEAD]
    if event_ids is not None:
        where.append(table.c.event_id.in_(event_ids))
    change = table.update().where(*where).values(state=PENDING, attempts=0, due_us=now_us)
    return connection.execute(change).rowcount


def _of(endpoint_id: str, state: str) -> sa.Select[Any]:
    where = (table.c.endpoint_id == endpoint_id, table.c.state == state)
    return sa.select(*COLUMNS).where(*where)


def _is(delivery: Delivery) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.endpoint_id == delivery.endpoint_id,
        table.c.partition == delivery.partition,
        table.c.offset == delivery.offset,
    )
