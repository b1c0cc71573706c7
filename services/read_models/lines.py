"""Questions about single lines of the history, and what a line looks like as an answer."""

from sqlalchemy import bindparam

from events.event import decode
from events.positions import Position
from events.words import ProjectStatus, Reason, Status, Verdict
from projections import tables
from projections.moments import moment
from projections.place import is_place, place, position
from services.read_models.database import Database
from services.read_models.rows import HistoryLine
from services.read_models.scope import Scoped, compiled, of_organization
from services.read_models.session import Row

HISTORY = tables.history.c
COLUMNS = [
    HISTORY.place,
    HISTORY.appended_us,
    HISTORY.value,
    HISTORY.verdict,
    HISTORY.reason,
    HISTORY.late_seconds,
    HISTORY.subject,
    HISTORY.status,
    HISTORY.type,
    HISTORY.actor_kind,
    HISTORY.actor_id,
    HISTORY.root,
    HISTORY.latest_us,
]


class LineQuestions:
    """Compiled once."""

    def __init__(self, database: Database) -> None:
        history = tables.history
        self._at = compiled(
            database,
            of_organization(history, *COLUMNS).where(history.c.place == bindparam("place")),
        )
        self._with_id = compiled(
            database,
            of_organization(history, *COLUMNS)
            .where(history.c.event_id == bindparam("event_id"))
            .order_by(history.c.place),
        )

    def at(self, scoped: Scoped, position: Position) -> HistoryLine | None:
        if not is_place(position):
            return None
        row = scoped.first(self._at, place=place(position))
        return None if row is None else line(row)

    def with_id(self, scoped: Scoped, event_id: str) -> list[Row]:
        """The lines of an event and of its repeats, as rows."""
        return scoped.rows(self._with_id, event_id=event_id)


def line(row: Row, *, with_event: bool = True) -> HistoryLine:
    """The line of the event's own subject. Whoever wants the bytes alone saves their decoding."""
    place, appended_us, value, verdict, reason, late_seconds, subject, status, *_ = row
    return HistoryLine(
        position=position(place),
        appended_at=moment(appended_us),
        value=value,
        event=decode(value) if with_event else None,
        verdict=Verdict(verdict),
        reason=None if reason is None else Reason(reason),
        late_seconds=late_seconds,
        trouble="",
        about=subject,
        status=None if status is None else read_status(status),
    )


def read_status(status: str) -> Status | ProjectStatus:
    """Of a task or of a project: where they share a word it means the same."""
    return Status(status) if status in TASK_STATUSES else ProjectStatus(status)


TASK_STATUSES = frozenset(Status)
