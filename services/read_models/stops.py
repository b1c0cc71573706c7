"""Questions about cancellations: what was asked to stop, and how far that has come."""

from typing import Any

from sqlalchemy import Select, select

from events.ids import root_of
from events.words import Evidence, ProjectStatus, Status
from projections import tables
from projections.moments import moment_or_none, us
from services.read_models.answers import Noticed
from services.read_models.cancels import CancelQuestions
from services.read_models.paging import Key, Looked, newest_first
from services.read_models.questions import CancellationFilter
from services.read_models.rows import Cancellation
from services.read_models.scope import Scoped
from services.read_models.session import Row

STOP = tables.cancellations.c
COLUMNS = [
    STOP.requested_us,
    STOP.id,
    STOP.kind,
    STOP.region,
    STOP.status,
    STOP.cancel_id,
    STOP.grace_seconds,
    STOP.due_us,
    STOP.observed_us,
    STOP.unconfirmed_us,
    STOP.stopped_us,
    STOP.evidence,
]


def look(
    scoped: Scoped,
    cancels: CancelQuestions,
    where: CancellationFilter,
    after: Key | None,
    rows: int,
) -> list[Looked[Cancellation]]:
    """The cancellations behind a key, with those that are meant."""
    table = tables.cancellations
    statement: Select[Any] = select(*COLUMNS)
    if where.stopped is False or where.overdue_at is not None:
        statement = statement.where(STOP.stopped_us.is_(None))
    if where.requested_from is not None:
        statement = statement.where(STOP.requested_us >= us(where.requested_from))
    if where.requested_before is not None:
        statement = statement.where(STOP.requested_us < us(where.requested_before))
    found = scoped.select(table, newest_first(statement, table, "requested_us", after, rows))
    return [Looked(Key(row[0], row[1]), read(scoped, cancels, where, row)) for row in found]


def read(
    scoped: Scoped, cancels: CancelQuestions, where: CancellationFilter, row: Row
) -> Cancellation | None:
    (requested_us, id, kind, region, status, cancel_id, grace_seconds) = row[:7]
    (due_us, observed_us, unconfirmed_us, stopped_us, evidence) = row[7:]
    if where.stopped is True and stopped_us is None:
        return None
    if where.overdue_at is not None and (due_us is None or due_us >= us(where.overdue_at)):
        return None
    cancel = cancels.of(
        scoped,
        root_of(id),
        cancel_id,
        grace_seconds,
        requested_us,
        Noticed(observed_us, unconfirmed_us),
        stopped_us,
    )
    return Cancellation(
        organization=scoped.organization,
        id=id,
        kind=kind,
        region=region,
        status=Status(status) if kind else ProjectStatus(status),
        cancel=cancel,
        evidence=None if evidence is None else Evidence(evidence),
        due_at=moment_or_none(due_us),
    )
