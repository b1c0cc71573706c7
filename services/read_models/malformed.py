"""Records that are no events: kept, visible to operators, and nobody's. Operator-level."""

from sqlalchemy import bindparam, select

from events.words import Reason
from projections import tables
from projections.moments import moment
from projections.place import Place, position
from services.read_models.database import Database
from services.read_models.questions import PAGE_ROWS_LIMIT, InvalidCursor
from services.read_models.rows import MalformedRecord, Page
from services.read_models.session import Session


class MalformedQuestions:
    """Compiled once."""

    def __init__(self, database: Database) -> None:
        history = tables.history
        self._from = database.compiled(
            select(history.c.place, history.c.appended_us, history.c.value, history.c.trouble)
            .where(
                history.c.organization.is_(None),
                history.c.reason == Reason.MALFORMED.value,
                history.c.place >= bindparam("start"),
            )
            .order_by(history.c.place)
            .limit(bindparam("rows"))
        )

    def page(self, session: Session, cursor: str | None, limit: int) -> Page[MalformedRecord]:
        limit = max(1, min(limit, PAGE_ROWS_LIMIT))
        rows = session.rows(self._from, start=read_place(cursor), rows=limit + 1)
        records = tuple(
            MalformedRecord(position(place), moment(appended_us), value, trouble)
            for place, appended_us, value, trouble in rows[:limit]
        )
        return Page(records, str(rows[limit][0]) if len(rows) > limit else None)


def read_place(cursor: str | None) -> Place:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidCursor(cursor)
    return int(cursor)
