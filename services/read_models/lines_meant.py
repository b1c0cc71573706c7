"""Which lines of the history a filter means: what an index finds, and what is looked at."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from events.ids import above
from events.words import Reason, Status, Verdict
from projections import tables
from projections.place import Place, position
from services.read_models.cancels import CANCEL_TYPES
from services.read_models.lines import COLUMNS, HISTORY, line
from services.read_models.past import Point
from services.read_models.questions import HistoryFilter
from services.read_models.rows import HistoryLine
from services.read_models.scope import Scoped
from services.read_models.session import Row
from services.read_models.tasks import TaskQuestions


class Span(NamedTuple):
    """Places of one partition, from `start` up to but without `end`."""

    partition: int
    start: Place
    end: Place


class Looked(NamedTuple):
    """A line that was looked at; None when it isn't meant."""

    latest_us: int
    """The latest append time so far: in every partition it goes with the order."""
    partition: int
    place: Place
    line: HistoryLine | None


def look(
    scoped: Scoped,
    tasks: TaskQuestions,
    where: HistoryFilter,
    spans: list[Span],
    rows: int,
    newest_first: bool,
    with_events: bool,
) -> list[Looked]:
    """The first lines of these spans, put together; fewer only when there are no more."""
    found = [
        [
            Looked(row[-1], span.partition, row[0], read(scoped, tasks, where, row, with_events))
            for row in in_span(scoped, where, span, rows, newest_first)
        ]
        for span in spans
    ]
    if len(found) == 1:
        return found[0]
    in_order = merge(*found, key=lambda each: each[:3], reverse=newest_first)
    return list(islice(in_order, rows))


def in_span(
    scoped: Scoped, where: HistoryFilter, span: Span, rows: int, newest_first: bool
) -> list[Row]:
    """Every statement gives its first rows; the first of all of them are the first of the span."""
    found: list[Row] = []
    statements = driven(where)
    for statement in statements:
        bounded = statement.where(HISTORY.place >= span.start, HISTORY.place < span.end)
        order = HISTORY.place.desc() if newest_first else HISTORY.place
        found += scoped.select(tables.history, bounded.order_by(order).limit(rows))
    if len(statements) > 1:
        found.sort(key=lambda row: row[0], reverse=newest_first)
    return found[:rows]


def driven(where: HistoryFilter) -> list[Select[Any]]:
    """What finds the fewest by indexes of their own; all other conditions are looked at."""
    statement = select(*COLUMNS)
    if where.task is not None:
        own = statement.where(HISTORY.subject == where.task)
        higher = list(ancestors(where.task))
        if not higher:
            return [own]
        cancels = statement.where(
            HISTORY.subject.in_(higher),
            HISTORY.type.in_(CANCEL_TYPES),
            HISTORY.verdict == Verdict.EFFECTIVE.value,
        )
        return [own, cancels]
    root = where.root or where.project
    if root is not None:
        return [statement.where(HISTORY.root == root)]
    if where.types is not None and where.actor is None:
        return [statement.where(HISTORY.type == each) for each in sorted(set(where.types))]
    if where.actor is not None:
        return [statement.where(HISTORY.actor_id == where.actor[1])]
    return [statement]


def ancestors(id: str) -> Iterator[str]:
    higher = above(id)
    while higher is not None:
        yield higher
        higher = above(higher)


def read(
    scoped: Scoped, tasks: TaskQuestions, where: HistoryFilter, row: Row, with_events: bool
) -> HistoryLine | None:
    """The line in this row, if it is meant."""
    _, _, _, verdict, _, _, subject, _, type_tag, actor_kind, actor_id, root, _ = row
    if (
        (where.types is not None and type_tag not in where.types)
        or (where.actor is not None and (actor_kind, actor_id) != where.actor)
        or (where.root is not None and root != where.root)
        or (where.project is not None and root != where.project)
    ):
        return None
    if where.task is not None and subject != where.task:
        return from_above(scoped, tasks, where, row)
    if where.verdict is not None and verdict != where.verdict:
        return None
    return line(row, with_event=with_events)


def from_above(
    scoped: Scoped, tasks: TaskQuestions, where: HistoryFilter, row: Row
) -> HistoryLine | None:
    """An ancestor's cancel as it was for this task, which has a verdict of its own on it."""
    assert where.task is not None
    here = position(row[0])
    status = tasks.status_from_above(scoped, where.task, row[0])
    if status is not None:
        shown = line(row)._replace(about=where.task, status=Status(status))
    else:
        task = tasks.as_of(scoped, where.task, Point({here.partition: here.offset}))
        if task is None:
            return None
        shown = line(row)
        assert shown.event is not None
        late_seconds, reason = None, Reason.ALREADY_CANCELLING
        if task.finished_at is not None:
            reason = Reason.ALREADY_FINISHED
            late_seconds = max(0.0, (shown.event.time - task.finished_at).total_seconds())
        shown = shown._replace(
            about=where.task,
            verdict=Verdict.VOID,
            reason=reason,
            late_seconds=late_seconds,
            status=task.status,
        )
    return shown if where.verdict is None or shown.verdict == where.verdict else None
