"""Questions about tasks: one or many, now or as of a point of the past."""

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.ids import root_of
from events.run_events import RunLost, TaskCompleted, TaskFailed
from events.words import Status, Verdict
from projections.place import Place, position
from services.read_models import answers, task_statements
from services.read_models.answers import Ending, Noticed, TaskAfter
from services.read_models.cancels import CancelQuestions
from services.read_models.database import Database
from services.read_models.past import Point
from services.read_models.rows import Task
from services.read_models.scope import Scoped, compiled
from services.read_models.session import Row

ENDS = (TaskCompleted.TYPE, TaskFailed.TYPE, RunLost.TYPE)


class TaskQuestions:
    """Compiled once."""

    def __init__(self, database: Database, cancels: CancelQuestions) -> None:
        self._cancels = cancels
        self._now = compiled(database, task_statements.now())
        self._submitted = compiled(database, task_statements.submitted())
        self._lines = compiled(database, task_statements.lines())
        self._from_above = compiled(database, task_statements.from_above())
        self._status_from_above = compiled(database, task_statements.status_from_above())
        self._statuses_below = compiled(database, task_statements.statuses_below())

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
