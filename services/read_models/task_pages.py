"""Which tasks a filter means: the index that finds them, and what is looked at row by row."""

from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, select

from events.ids import root_of
from events.words import TERMINAL
from projections import tables
from projections.moments import us
from projections.place import position
from services.read_models.paging import Key, Looked, newest_first
from services.read_models.past import Point
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task
from services.read_models.scope import Scoped
from services.read_models.session import Row
from services.read_models.tasks import TaskQuestions

STATUS = tables.task_status.c
LABEL = tables.task_labels.c


class Candidate(NamedTuple):
    """What is looked at before a whole task is read."""

    created_us: int
    id: str
    submitted: int
    status: str
    evidence: str | None
    kind: str
    root: str
    parent: str | None
    region: str
    created_by_kind: str
    created_by_id: str
    executor: str | None


COLUMNS = [STATUS[name] for name in Candidate._fields]


def look(
    scoped: Scoped,
    tasks: TaskQuestions,
    where: TaskFilter,
    as_of: Point | None,
    after: Key | None,
    rows: int,
) -> list[Looked[Task]]:
    """The candidates behind a key, with those tasks that are meant."""
    table, statements = driven(where, as_of)
    found: list[Row] = []
    for statement in statements:
        if where.created_from is not None:
            statement = statement.where(table.c.created_us >= us(where.created_from))
        if where.created_before is not None:
            statement = statement.where(table.c.created_us < us(where.created_before))
        found += scoped.select(table, newest_first(statement, table, "created_us", after, rows))
    if len(statements) > 1:
        found = sorted(found, key=itemgetter(0, 1), reverse=True)[:rows]
    return [
        Looked(Key(row[0], row[1]), read(scoped, tasks, where, as_of, Candidate(*row)))
        for row in found
    ]


def driven(where: TaskFilter, as_of: Point | None) -> tuple[Table, list[Select[Any]]]:
    """What finds the fewest by an index of its own; all other conditions are looked at."""
    table, statement = tables.task_status, select(*COLUMNS)
    root = where.root or where.project or (root_of(where.parent) if where.parent else None)
    if root is not None:
        return table, [statement.where(STATUS.root == root)]
    if where.label is not None:
        name, value = where.label
        of_same = (STATUS.organization == LABEL.organization) & (STATUS.id == LABEL.id)
        joined = statement.select_from(tables.task_labels).join(table, of_same)
        return tables.task_labels, [joined.where(LABEL.name == name, LABEL.value == value)]
    statuses = [] if where.status is None or as_of is not None else sorted(set(where.status))
    if statuses and TERMINAL.isdisjoint(statuses):
        return table, [statement.where(STATUS.status == each) for each in statuses]
    if where.actor is not None:
        return table, [statement.where(STATUS.created_by_id == where.actor[1])]
    if where.kind is not None:
        return table, [statement.where(STATUS.kind == where.kind)]
    if len(statuses) == 1:
        return table, [statement.where(STATUS.status == statuses[0])]
    return table, [statement]


def read(
    scoped: Scoped,
    tasks: TaskQuestions,
    where: TaskFilter,
    as_of: Point | None,
    candidate: Candidate,
) -> Task | None:
    if not is_meant(where, candidate):
        return None
    if as_of is None:
        if not stands(where, candidate.status, candidate.evidence, candidate.executor):
            return None
        task = tasks.now(scoped, candidate.id)
        return task if task and has_label(where, task) else None
    if candidate.submitted >= as_of.end(position(candidate.submitted).partition):
        return None
    task = tasks.as_of(scoped, candidate.id, as_of)
    if task is None or not stands(where, task.status, task.evidence, task.executor):
        return None
    return task if has_label(where, task) else None


def is_meant(where: TaskFilter, candidate: Candidate) -> bool:
    """By what never changes."""
    return (
        (where.kind is None or candidate.kind == where.kind)
        and (where.root is None or candidate.root == where.root)
        and (where.project is None or candidate.root == where.project)
        and (where.parent is None or candidate.parent == where.parent)
        and (where.region is None or candidate.region == where.region)
        and (
            where.actor is None
            or (candidate.created_by_kind, candidate.created_by_id) == where.actor
        )
    )


def stands(where: TaskFilter, status: str, evidence: str | None, executor: str | None) -> bool:
    return (
        (where.status is None or status in where.status)
        and (where.evidence is None or evidence in where.evidence)
        and (where.executor is None or executor == where.executor)
    )


def has_label(where: TaskFilter, task: Task) -> bool:
    return where.label is None or task.spec.labels.get(where.label[0]) == where.label[1]
