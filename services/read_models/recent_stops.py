"""What was stopped lately, and what is being stopped: for a pulse that begins. Operator-level."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select

from projections import tables
from services.read_models.database import Database
from services.read_models.session import Session


class Stop(NamedTuple):
    """A task that was asked to stop; without `stopped_us` it hasn't yet."""

    organization: str
    task_id: str
    kind: str
    region: str
    cancel_id: str
    requested_us: int
    due_us: int | None
    observed_us: int | None
    unconfirmed_us: int | None
    stopped_us: int | None
    evidence: str | None


STOP = tables.cancellations.c
COLUMNS = [
    STOP.organization,
    STOP.id,
    STOP.kind,
    STOP.region,
    STOP.cancel_id,
    STOP.requested_us,
    STOP.due_us,
    STOP.observed_us,
    STOP.unconfirmed_us,
    STOP.stopped_us,
    STOP.evidence,
]


class RecentStopQuestions:
    """Compiled once. One organization after the other, as the index has them."""

    def __init__(self, database: Database) -> None:
        self._next_organization = database.compiled(
            select(func.min(STOP.organization)).where(STOP.organization > bindparam("behind"))
        )
        self._stopped = database.compiled(
            in_one_organization()
            .where(STOP.stopped_us >= bindparam("since_us"))
            .order_by(STOP.stopped_us.desc())
            .limit(bindparam("rows"))
        )
        self._stopping = database.compiled(
            in_one_organization()
            .where(STOP.stopped_us.is_(None))
            .order_by(STOP.requested_us)  # What has ended is most, and isn't looked at.
            .limit(bindparam("rows"))
        )

    def stopped(self, session: Session, since_us: int, limit: int) -> list[Stop]:
        """Of each organization the latest, up to `limit` of all together."""
        found: list[Stop] = []
        for organization in self._organizations(session):
            rows = session.rows(
                self._stopped,
                organization=organization,
                since_us=since_us,
                rows=limit - len(found),
            )
            found += [Stop(*row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def stopping(self, session: Session, limit: int) -> list[Stop]:
        found: list[Stop] = []
        for organization in self._organizations(session):
            rows = session.rows(self._stopping, organization=organization, rows=limit - len(found))
            found += [Stop(*row) for row in rows]
            if len(found) >= limit:
                break
        return found

    def _organizations(self, session: Session) -> Iterator[str]:
        behind: str | None = ""
        while (row := session.first(self._next_organization, behind=behind)) is not None:
            behind = row[0]
            if behind is None:
                return
            yield behind


def in_one_organization() -> Select[Any]:
    """Tasks only: a project has no kind."""
    return select(*COLUMNS).where(STOP.organization == bindparam("organization"), STOP.kind != "")
