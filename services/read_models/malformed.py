"""Records that are no events: kept, visible to operators, and nobody's. Operator-level."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from events.words import Reason
from projections import tables
from projections.moments import moment
from projections.place import Place, position
from services.read_models.database import Database
from services.read_models.questions import PAGE_ROWS_LIMIT, InvalidCursor
from services.read_models.rows import MalformedRecord, Page
from services.read_models.session import Row, Session


class Malformed(NamedTuple):
    """How many there are, and those that came last, the newest first."""

    records: int
    latest: Sequence[MalformedRecord]


class MalformedQuestions:
    """Compiled once."""

    def __init__(self, database: Database) -> None:
        history = tables.history
        malformed = (
            history.c.organization.is_(None),
            history.c.reason == Reason.MALFORMED.value,
        )
        columns = (history.c.place, history.c.appended_us, history.c.value, history.c.trouble)
        self._from = database.compiled(
            select(*columns)
            .where(*malformed, history.c.place >= bindparam("start"))
            .order_by(history.c.place)
            .limit(bindparam("rows"))
        )
        self._count = database.compiled(select(func.count()).where(*malformed))
        self._latest = database.compiled(
            select(*columns)
            .where(*malformed)
            .order_by(history.c.appended_us.desc(), history.c.place.desc())
            .limit(bindparam("rows"))
        )

    def page(self, session: Session, cursor: str | None, limit: int) -> Page[MalformedRecord]:
        limit = max(1, min(limit, PAGE_ROWS_LIMIT))
        rows = session.rows(self._from, start=read_place(cursor), rows=limit + 1)
        records = tuple(record(row) for row in rows[:limit])
        return Page(records, str(rows[limit][0]) if len(rows) > limit else None)

    def told(self, session: Session, limit: int) -> Malformed:
        """All of them, in short. Looks at each: for somebody who asks now and then."""
        [(records,)] = session.rows(self._count)
        latest = [record(row) for row in session.rows(self._latest, rows=limit)]
        return Malformed(records, latest)


def record(row: Row) -> MalformedRecord:
    place, appended_us, value, trouble = row
    return MalformedRecord(position(place), moment(appended_us), value, trouble)


def read_place(cursor: str | None) -> Place:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidCursor(cursor)
    return int(cursor)
