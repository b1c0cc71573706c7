"""Everything that a filter means, at one point of the history: what one order is to stop.

Unlike a page it is whole or refused, and it sees one committed state, whose frontier it names.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, case, select

from events.ids import above
from events.positions import Frontier
from events.words import Status
from projections import tables
from projections.moments import moment, us
from services.read_models.asking import Questions
from services.read_models.questions import Selected
from services.read_models.scope import Scoped
from services.read_models.session import Row

STATUS = tables.task_status.c
LABEL = tables.task_labels.c
RUNS = (Status.RUNNING.value, Status.WAITING.value)


class Chosen(NamedTuple):
    """One task of a selection, as it stood."""

    id: str
    kind: str
    status: Status
    region: str
    created_at: datetime


class Selection(NamedTuple):
    """What a filter meant."""

    frontier: Frontier
    tasks: tuple[Chosen, ...]
    """Pending ones first: a run that ends makes room, and none of them may take it."""
    runs: int
    """How many runs a cancel of them all ends, with those of tasks below them."""


def selection(scoped: Scoped, questions: Questions, where: Selected, limit: int) -> Selection:
    """At most `limit` tasks; whoever asks for one more than they want knows whether there are."""
    frontier = questions.past.frontier(scoped.session)
    rows = scoped.select(tables.task_status, statement(scoped, where).limit(limit))
    tasks = tuple(chosen(row) for row in rows)
    return Selection(frontier, tasks, runs_ended(scoped, {task.id for task in tasks}))


def statement(scoped: Scoped, where: Selected) -> Select[Any]:
    found = select(STATUS.id, STATUS.kind, STATUS.status, STATUS.region, STATUS.created_us).where(
        STATUS.status.in_(sorted(where.status))
    )
    if where.project is not None:
        found = found.where(STATUS.root == where.project)
    if where.kind is not None:
        found = found.where(STATUS.kind == where.kind)
    if where.region is not None:
        found = found.where(STATUS.region == where.region)
    if where.actor is not None:
        kind, id = where.actor
        found = found.where(STATUS.created_by_kind == kind, STATUS.created_by_id == id)
    if where.created_from is not None:
        found = found.where(STATUS.created_us >= us(where.created_from))
    if where.created_before is not None:
        found = found.where(STATUS.created_us < us(where.created_before))
    for name, value in where.labels.items():
        labelled = select(LABEL.id).where(
            LABEL.organization == scoped.organization, LABEL.name == name, LABEL.value == value
        )
        found = found.where(STATUS.id.in_(labelled))
    pending_first = case((STATUS.status == Status.PENDING.value, 0), else_=1)
    return found.order_by(pending_first, STATUS.created_us, STATUS.id)


def chosen(row: Row) -> Chosen:
    id, kind, status, region, created_us = row
    return Chosen(id, kind, Status(status), region, moment(created_us))


def runs_ended(scoped: Scoped, ids: set[str]) -> int:
    alive = scoped.select(tables.task_status, select(STATUS.id).where(STATUS.status.in_(RUNS)))
    return sum(is_within(id, ids) for (id,) in alive)


def is_within(id: str, tops: set[str]) -> bool:
    """Whether it is one of these, or below one."""
    at: str | None = id
    while at is not None:
        if at in tops:
            return True
        at = above(at)
    return False
