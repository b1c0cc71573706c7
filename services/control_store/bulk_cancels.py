"""Cancels of many tasks: the selection, the order to cancel it, and how far that has come.

A job begins as a preview, whose id is the token that begins it. What each cancel did isn't kept
here: the events' ids follow from the job's, and the history has their verdicts. Plain functions
over a connection.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from events.body import Actor
from events.words import Mode
from services.control_store.tables import bulk_batches as batches
from services.control_store.tables import bulk_cancels as jobs


class Orders(BaseModel):
    """Who had the selection cancelled, and how."""

    model_config = ConfigDict(frozen=True)

    actor: Actor
    reason: str
    mode: Mode
    grace_seconds: float | None
    per_second: float
    traceparent: str | None = None


class Job(NamedTuple):
    """One bulk cancel; a preview until it has orders."""

    id: str
    organization: str
    selection: Mapping[str, Any]
    """The filter, as it was asked for."""
    frontier: str
    """The point of the history at which the tasks were selected."""
    tasks: int
    runs: int
    previewed_at: datetime
    expires_at: datetime
    orders: Orders | None
    begun_at: datetime | None
    batches_done: int
    tally: Mapping[str, int]
    """Verdicts of the batches that are done: `effective`, the reasons of what was void."""
    stop_asked_at: datetime | None
    stop_asked_by: str | None
    ended_at: datetime | None


class Place(NamedTuple):
    """Where in a selection a page begins."""

    batch: int
    first: int


def add_preview(connection: sa.Connection, job: Job, selected: Iterable[Sequence[str]]) -> None:
    """Keep what was selected, in the batches in which it will be cancelled."""
    connection.execute(
        jobs.insert().values(
            id=job.id,
            organization=job.organization,
            selection=json.dumps(job.selection),
            frontier=job.frontier,
            tasks=job.tasks,
            runs=job.runs,
            previewed_at_us=_us(job.previewed_at),
            expires_at_us=_us(job.expires_at),
            batches_done=0,
            tally="{}",
        )
    )
    rows = [
        {"job_id": job.id, "number": number, "task_ids": json.dumps(ids)}
        for number, ids in enumerate(selected)
    ]
    if rows:
        connection.execute(batches.insert(), rows)


def clear(connection: sa.Connection, organization: str, now: datetime, keep_seconds: float) -> None:
    """Forget previews that nobody began in time, and jobs that ended long ago."""
    long_ago = _us(now - timedelta(seconds=keep_seconds))
    old = sa.select(jobs.c.id).where(
        jobs.c.organization == organization,
        sa.or_(
            sa.and_(jobs.c.begun_at_us.is_(None), jobs.c.expires_at_us < _us(now)),
            jobs.c.ended_at_us < long_ago,
        ),
    )
    ids = connection.execute(old).scalars().all()
    for id in ids:
        connection.execute(batches.delete().where(batches.c.job_id == id))
        connection.execute(jobs.delete().where(jobs.c.id == id))


def count_open(connection: sa.Connection, organization: str) -> tuple[int, int]:
    """How many previews wait, and how many jobs are under way."""
    mine = sa.select(sa.func.count()).where(
        jobs.c.organization == organization, jobs.c.ended_at_us.is_(None)
    )
    previews = connection.execute(mine.where(jobs.c.begun_at_us.is_(None))).scalar_one()
    under_way = connection.execute(mine.where(jobs.c.begun_at_us.is_not(None))).scalar_one()
    return previews, under_way


def begin(connection: sa.Connection, id: str, orders: Orders, now: datetime) -> bool:
    """Whether these orders are the ones that began it: the first win."""
    done = connection.execute(
        jobs.update()
        .where(jobs.c.id == id, jobs.c.begun_at_us.is_(None))
        .values(orders=orders.model_dump_json(), begun_at_us=_us(now))
    )
    return done.rowcount == 1


def find(connection: sa.Connection, organization: str, id: str) -> Job | None:
    mine = sa.select(jobs).where(jobs.c.id == id, jobs.c.organization == organization)
    row = connection.execute(mine).first()
    return _job(row) if row else None


def newest(connection: sa.Connection, organization: str, limit: int) -> list[Job]:
    """Jobs that were begun, the newest first."""
    begun = (
        sa.select(jobs)
        .where(jobs.c.organization == organization, jobs.c.begun_at_us.is_not(None))
        .order_by(jobs.c.previewed_at_us.desc(), jobs.c.id.desc())
        .limit(limit)
    )
    return [_job(row) for row in connection.execute(begun)]


def under_way(connection: sa.Connection) -> list[Job]:
    """Every organization's jobs that were begun and haven't ended, the oldest first."""
    those = (
        sa.select(jobs)
        .where(jobs.c.begun_at_us.is_not(None), jobs.c.ended_at_us.is_(None))
        .order_by(jobs.c.begun_at_us, jobs.c.id)
    )
    return [_job(row) for row in connection.execute(those)]


def batch(connection: sa.Connection, id: str, number: int) -> list[str] | None:
    """The tasks of one batch; None behind the last one."""
    text = connection.execute(
        sa.select(batches.c.task_ids).where(batches.c.job_id == id, batches.c.number == number)
    ).scalar()
    return None if text is None else json.loads(text)


def page(
    connection: sa.Connection, id: str, start: Place, limit: int
) -> tuple[list[str], Place | None]:
    """The tasks from a place on, and where the next ones begin; None: there are no more."""
    found: list[str] = []
    at = start
    while (ids := batch(connection, id, at.batch)) is not None:
        rest = ids[at.first : at.first + limit - len(found)]
        found += rest
        if at.first + len(rest) < len(ids):
            return found, Place(at.batch, at.first + len(rest))
        at = Place(at.batch + 1, 0)
    return found, None


def note_batch(connection: sa.Connection, id: str, done: int, tally: Mapping[str, int]) -> bool:
    """So many batches are durable, with these verdicts; whether somebody asked to stop."""
    connection.execute(
        jobs.update()
        .where(jobs.c.id == id)
        .values(batches_done=done, tally=json.dumps(dict(tally)))
    )
    asked = sa.select(jobs.c.stop_asked_at_us).where(jobs.c.id == id)
    return connection.execute(asked).scalar() is not None


def ask_to_stop(
    connection: sa.Connection, organization: str, id: str, now: datetime, by: Actor
) -> Job | None:
    """The job, which makes no further request once it has heard of it."""
    connection.execute(
        jobs.update()
        .where(
            jobs.c.id == id,
            jobs.c.organization == organization,
            jobs.c.begun_at_us.is_not(None),
            jobs.c.ended_at_us.is_(None),
            jobs.c.stop_asked_at_us.is_(None),
        )
        .values(stop_asked_at_us=_us(now), stop_asked_by=f"{by.kind}:{by.id}")
    )
    return find(connection, organization, id)


def end(connection: sa.Connection, id: str, tally: Mapping[str, int], now: datetime) -> None:
    connection.execute(
        jobs.update()
        .where(jobs.c.id == id)
        .values(ended_at_us=_us(now), tally=json.dumps(dict(tally)))
    )


def _us(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000)


def _time(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1_000_000, UTC)


def _job(row: sa.Row[tuple[object, ...]]) -> Job:
    at = row._mapping
    return Job(
        id=at["id"],
        organization=at["organization"],
        selection=json.loads(at["selection"]),
        frontier=at["frontier"],
        tasks=at["tasks"],
        runs=at["runs"],
        previewed_at=datetime.fromtimestamp(at["previewed_at_us"] / 1_000_000, UTC),
        expires_at=datetime.fromtimestamp(at["expires_at_us"] / 1_000_000, UTC),
        orders=None if at["orders"] is None else Orders.model_validate_json(at["orders"]),
        begun_at=_time(at["begun_at_us"]),
        batches_done=at["batches_done"],
        tally=json.loads(at["tally"]),
        stop_asked_at=_time(at["stop_asked_at_us"]),
        stop_asked_by=at["stop_asked_by"],
        ended_at=_time(at["ended_at_us"]),
    )
