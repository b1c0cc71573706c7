"""What was stopped lately, what overran, what is being stopped: for a pulse that begins.

Operator-level.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, literal_column, select

from events.cancel_events import CancelOverran
from events.words import Verdict
from projections import tables
from projections.moments import moment
from projections.place import cut
from services.read_models.database import Database
from services.read_models.past import PastQuestions
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


class Overrun(NamedTuple):
    """That a stop takes longer than it may, as it was noted."""

    organization: str
    kind: str
    region: str
    appended_us: int


class Lately(NamedTuple):
    """All of one moment."""

    stops: Sequence[Stop]
    overruns: Sequence[Overrun]
    stopping: Sequence[Stop]
    """Asked to stop, and not stopped yet."""


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

    def __init__(self, database: Database, past: PastQuestions) -> None:
        self._past = past
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
        line, task = tables.history.c, tables.task_status.c
        self._overran = database.compiled(
            select(line.organization, task.kind, task.region, line.appended_us)
            .join(
                tables.task_status,
                (task.organization == line.organization) & (task.id == line.subject),
            )
            .where(
                line.organization == bindparam("organization"),
                line.type == literal_column(f"'{CancelOverran.TYPE}'"),
                line.verdict == literal_column(f"'{Verdict.NOTED.value}'"),
                line.place >= bindparam("start"),
                line.place < bindparam("end"),
            )
            .order_by(line.place.desc())
            .limit(bindparam("rows"))
        )

    def lately(
        self,
        session: Session,
        since_us: int,
        limit: int,
        partitions: Collection[int] | None = None,
    ) -> Lately:
        """Up to `limit` of each, within what the caller reads. `partitions`: those of which
        overruns are wanted, by default all; stops don't say where they are noted."""
        return Lately(
            self.stopped(session, since_us, limit),
            self.overran(session, since_us, limit, partitions),
            self.stopping(session, limit),
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

    def overran(
        self, session: Session, since_us: int, limit: int, partitions: Collection[int] | None
    ) -> list[Overrun]:
        """As `stopped`."""
        end, start = self._past.frontier(session), self._past.at(session, moment(since_us))
        wanted = sorted(end if partitions is None else end.keys() & partitions)
        found: list[Overrun] = []
        for organization in self._organizations(session):
            for partition in wanted:
                rows = session.rows(
                    self._overran,
                    organization=organization,
                    start=cut(start, partition),
                    end=cut(end, partition),
                    rows=limit - len(found),
                )
                found += [Overrun(*row) for row in rows]
                if len(found) >= limit:
                    return found
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
