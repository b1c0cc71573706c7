"""Questions about tasks: one or many, now or as of a point of the past."""

from sqlalchemy import bindparam, case, func, or_

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.ids import root_of
from events.region_events import RootTakenOver
from events.run_events import RunLost, TaskCompleted, TaskFailed
from events.task_events import TaskSubmitted
from events.words import Status, Verdict
from projections import tables
from projections.place import Place, position
from services.read_models import answers
from services.read_models.answers import Ending, Noticed, TaskAfter
from services.read_models.cancels import CancelQuestions
from services.read_models.database import Database
from services.read_models.past import Point
from services.read_models.rows import Task
from services.read_models.scope import Scoped, compiled, of_organization
from services.read_models.session import Row

ENDS = (TaskCompleted.TYPE, TaskFailed.TYPE, RunLost.TYPE)
WITH_BYTES = (TaskSubmitted.TYPE, RootTakenOver.TYPE, TaskCompleted.TYPE)
AFTER = [column.name for column in tables.task_after()]


class TaskQuestions:
    """Compiled once."""

    def __init__(self, database: Database, cancels: CancelQuestions) -> None:
        self._cancels = cancels
        status, history, stops = tables.task_status, tables.history, tables.cancellations
        below, changes = tables.history_below, tables.changes_below
        its_change = (
            (changes.c.organization == below.c.organization)
            & (changes.c.place == below.c.place)
            & (changes.c.variant == below.c.variant)
        )
        self._now = compiled(
            database,
            of_organization(
                status,
                history.c.value,
                stops.c.observed_us,
                stops.c.unconfirmed_us,
                status.c.result,
                status.c.error,
                status.c.error_type,
                status.c.changed,
                *(status.c[name] for name in AFTER),
            )
            .join(history, history.c.place == status.c.submitted)
            .outerjoin(
                stops,
                (stops.c.organization == status.c.organization) & (stops.c.id == status.c.id),
            )
            .where(status.c.id == bindparam("id")),
        )
        self._submitted = compiled(
            database,
            of_organization(status, status.c.submitted).where(status.c.id == bindparam("id")),
        )
        self._lines = compiled(
            database,
            of_organization(
                history,
                history.c.place,
                history.c.type,
                history.c.verdict,
                history.c.time_us,
                case((or_(*(history.c.type == each for each in WITH_BYTES)), history.c.value)),
                history.c.error,
                history.c.error_type,
                *(history.c[name] for name in AFTER),
            )
            .where(
                history.c.subject == bindparam("id"),
                history.c.place >= bindparam("start"),
                history.c.place < bindparam("end"),
                history.c.verdict != Verdict.VOID.value,
            )
            .order_by(history.c.place),
        )
        self._from_above = compiled(
            database,
            of_organization(below, below.c.place, *(changes.c[name] for name in AFTER))
            .join(changes, its_change)
            .where(
                below.c.id == bindparam("id"),
                below.c.place < bindparam("end"),
                changes.c.root == bindparam("root"),
            )
            .order_by(below.c.place.desc())
            .limit(1),
        )
        self._status_from_above = compiled(
            database,
            of_organization(below, changes.c.status)
            .join(changes, its_change)
            .where(
                below.c.id == bindparam("id"),
                below.c.place == bindparam("place"),
                changes.c.root == bindparam("root"),
            ),
        )
        self._statuses_below = compiled(
            database,
            of_organization(status, status.c.status, func.count())
            .where(
                status.c.root == bindparam("root"),
                status.c.id > bindparam("first"),
                status.c.id < bindparam("last"),
            )
            .group_by(status.c.status),
        )

    def now(self, scoped: Scoped, id: str) -> Task | None:
        row = scoped.first(self._now, id=id)
        if row is None:
            return None
        submitted, observed_us, unconfirmed_us, result, error, error_type, changed = row[:7]
        after = TaskAfter(*row[7:])
        cancel = None
        if after.cancel_id is not None:
            noticed = Noticed(observed_us, unconfirmed_us)
            cancel = self._cancels.in_force(scoped, root_of(id), after, noticed)
        ending = Ending(answers.read_json(result), answers.read_json(error), error_type)
        return answers.task(scoped.organization, id, submitted, after, ending, cancel, changed)

    def as_of(self, scoped: Scoped, id: str, point: Point) -> Task | None:
        """From the last line about it before that point, whatever came since."""
        first = scoped.first(self._submitted, id=id)
        if first is None:
            return None
        end = point.end(position(first[0]).partition)
        if first[0] >= end:
            return None
        lines = scoped.rows(self._lines, id=id, start=first[0], end=end)
        changed, after = lines[-1][0], TaskAfter(*lines[-1][7:])
        if "." in id:
            above = scoped.first(self._from_above, id=id, root=root_of(id), end=end)
            if above is not None and above[0] > changed:
                changed, after = above[0], TaskAfter(*above[1:])
        cancel = None
        if after.cancel_id is not None:
            cancel = self._cancels.in_force(scoped, root_of(id), after, noticed_in(lines))
        return answers.task(
            scoped.organization, id, lines[0][4], after, ending_in(lines), cancel, changed
        )

    def statuses_below(self, scoped: Scoped, id: str) -> dict[Status, int]:
        # What is below has the id, a dot, and more; the slash is the character after the dot.
        rows = scoped.rows(self._statuses_below, root=root_of(id), first=f"{id}.", last=f"{id}/")
        return {Status(status): count for status, count in rows}

    def status_from_above(self, scoped: Scoped, id: str, place: Place) -> str | None:
        """What the task came to be by an event above it; None: that event did nothing to it."""
        row = scoped.first(self._status_from_above, id=id, root=root_of(id), place=place)
        return None if row is None else row[0]


def noticed_in(lines: list[Row]) -> Noticed:
    noticed = Noticed()
    for _, type_tag, _, time_us, *_ in lines:
        if type_tag == CancelObserved.TYPE and noticed.observed_us is None:
            noticed = noticed._replace(observed_us=time_us)
        elif type_tag == CancelUnconfirmed.TYPE:
            noticed = noticed._replace(unconfirmed_us=time_us)
    return noticed


def ending_in(lines: list[Row]) -> Ending:
    ending = Ending(None, None, None)
    for _, type_tag, verdict, _, value, error, error_type, *_ in lines:
        if type_tag in ENDS and verdict == Verdict.EFFECTIVE.value:
            result = answers.result_in(value) if type_tag == TaskCompleted.TYPE else ending.result
            ending = Ending(result, answers.read_json(error), error_type)
    return ending
