"""Lines of all organizations from a frontier on, for a bridge to other regions. Operator-level."""

from typing import NamedTuple

from sqlalchemy import bindparam, select

from events.positions import Frontier, Position
from projections import tables
from projections.place import cut, position
from services.read_models.database import Database
from services.read_models.session import Session


class AnyLine(NamedTuple):
    """A line of somebody's, undecoded."""

    position: Position
    appended_us: int
    value: bytes
    verdict: str
    reason: str | None
    organization: str | None
    """None: these bytes are no event."""
    type: str | None
    root: str | None
    event_id: str | None
    home: str | None = None
    """Of a request for another region, if that is at hand."""


class EveryLineQuestions:
    """Compiled once."""

    def __init__(self, database: Database) -> None:
        history = tables.history.c
        self._between = database.compiled(
            select(
                history.place,
                history.appended_us,
                history.value,
                history.verdict,
                history.reason,
                history.organization,
                history.type,
                history.root,
                history.event_id,
            )
            .where(history.place >= bindparam("start"), history.place < bindparam("end"))
            .order_by(history.place)
            .limit(bindparam("rows"))
        )

    def between(
        self, session: Session, start: Frontier, end: Frontier, limit: int
    ) -> list[AnyLine]:
        """Up to so many, one partition after the other."""
        found: list[AnyLine] = []
        for partition in sorted(end):
            rows = session.rows(
                self._between,
                start=cut(start, partition),
                end=cut(end, partition),
                rows=limit - len(found),
            )
            found += [AnyLine(position(row[0]), *row[1:]) for row in rows]
            if len(found) >= limit:
                break
        return found
