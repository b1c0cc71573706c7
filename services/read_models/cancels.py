"""The request behind a cancel in force: who, why, how. Its line of the history says it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, literal_column, or_

from events.cancel_events import CancelRequested
from events.project_events import ProjectCancelRequested
from events.words import Verdict
from projections import tables
from services.read_models import answers
from services.read_models.answers import Noticed, ProjectAfter, TaskAfter
from services.read_models.database import Database
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.rows import CancelInForce
from services.read_models.scope import Scoped, compiled, of_organization

CANCEL_TYPES = (CancelRequested.TYPE, ProjectCancelRequested.TYPE)


class CancelQuestions:
    """Looks up requests by their event's id, within a root: another root's may have the same."""

    def __init__(self, database: Database) -> None:
        self._request = compiled(database, request())

    def in_force(
        self, scoped: Scoped, root: str, after: TaskAfter | ProjectAfter, noticed: Noticed
    ) -> CancelInForce | None:
        if after.cancel_id is None or after.cancel_requested_us is None:
            return None
        return self.of(
            scoped,
            root,
            after.cancel_id,
            after.cancel_grace_seconds,
            after.cancel_requested_us,
            noticed,
            after.finished_us,
        )

    def of(
        self,
        scoped: Scoped,
        root: str,
        cancel_id: str,
        grace_seconds: float | None,
        requested_us: int,
        noticed: Noticed,
        stopped_us: int | None,
    ) -> CancelInForce:
        row = scoped.first(self._request, event_id=cancel_id, root=root)
        if row is None:
            raise ReadModelsUnavailable(
                f"the request {UUID(cancel_id)} of a cancel in force isn't in the history: "
                "run `countermand rebuild`"
            )
        return answers.cancel_in_force(row[0], grace_seconds, requested_us, noticed, stopped_us)


def request() -> Select[Any]:
    """By the event's id: by the root, as SQLite would have it, all that was ever said of a project
    of ten thousand tasks would be read for each of them. An expression can't be looked up."""
    history = tables.history
    root = history.c.root + literal_column("''")
    return (
        of_organization(history, history.c.value)
        .where(
            history.c.event_id == bindparam("event_id"),
            root == bindparam("root"),
            history.c.verdict == Verdict.EFFECTIVE.value,
            or_(*(history.c.type == each for each in CANCEL_TYPES)),
        )
        .order_by(history.c.place)
        .limit(1)
    )
