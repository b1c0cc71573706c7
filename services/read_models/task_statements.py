"""What is asked of the tables about one task: each question once, as a statement.

Each is of one organization; what stands behind `bindparam` is given with each question.
"""

from typing import Any

from sqlalchemy import Select, bindparam, case, func, or_

from events.region_events import RootTakenOver
from events.run_events import TaskCompleted
from events.task_events import TaskSubmitted
from events.words import Verdict
from projections import tables
from services.read_models.scope import of_organization

WITH_BYTES = (TaskSubmitted.TYPE, RootTakenOver.TYPE, TaskCompleted.TYPE)
AFTER = [column.name for column in tables.task_after()]

STATUS, HISTORY, STOPS = tables.task_status, tables.history, tables.cancellations
BELOW, CHANGES = tables.history_below, tables.changes_below
ITS_CHANGE = (
    (CHANGES.c.organization == BELOW.c.organization)
    & (CHANGES.c.place == BELOW.c.place)
    & (CHANGES.c.variant == BELOW.c.variant)
)
"""What an event above a task did to it: told once for all that were changed alike."""


def now() -> Select[Any]:
    """The task as it is."""
    return (
        of_organization(
            STATUS,
            HISTORY.c.value,
            STOPS.c.observed_us,
            STOPS.c.unconfirmed_us,
            STATUS.c.result,
            STATUS.c.error,
            STATUS.c.error_type,
            STATUS.c.changed,
            *(STATUS.c[name] for name in AFTER),
        )
        .join(HISTORY, HISTORY.c.place == STATUS.c.submitted)
        .outerjoin(
            STOPS,
            (STOPS.c.organization == STATUS.c.organization) & (STOPS.c.id == STATUS.c.id),
        )
        .where(STATUS.c.id == bindparam("id"))
    )


def submitted() -> Select[Any]:
    """Where its history begins."""
    return of_organization(STATUS, STATUS.c.submitted).where(STATUS.c.id == bindparam("id"))


def lines() -> Select[Any]:
    """What was said about it, between two places; the bytes only where they are looked into."""
    return (
        of_organization(
            HISTORY,
            HISTORY.c.place,
            HISTORY.c.type,
            HISTORY.c.verdict,
            HISTORY.c.time_us,
            case((or_(*(HISTORY.c.type == each for each in WITH_BYTES)), HISTORY.c.value)),
            HISTORY.c.error,
            HISTORY.c.error_type,
            *(HISTORY.c[name] for name in AFTER),
        )
        .where(
            HISTORY.c.subject == bindparam("id"),
            HISTORY.c.place >= bindparam("start"),
            HISTORY.c.place < bindparam("end"),
            HISTORY.c.verdict != Verdict.VOID.value,
        )
        .order_by(HISTORY.c.place)
    )


def from_above() -> Select[Any]:
    """The last event above it, before a place, that changed it."""
    return (
        of_organization(BELOW, BELOW.c.place, *(CHANGES.c[name] for name in AFTER))
        .join(CHANGES, ITS_CHANGE)
        .where(
            BELOW.c.id == bindparam("id"),
            BELOW.c.place < bindparam("end"),
            CHANGES.c.root == bindparam("root"),
        )
        .order_by(BELOW.c.place.desc())
        .limit(1)
    )


def status_from_above() -> Select[Any]:
    """What it came to be by the event at this place."""
    return (
        of_organization(BELOW, CHANGES.c.status)
        .join(CHANGES, ITS_CHANGE)
        .where(
            BELOW.c.id == bindparam("id"),
            BELOW.c.place == bindparam("place"),
            CHANGES.c.root == bindparam("root"),
        )
    )


def statuses_below() -> Select[Any]:
    """How many of the tasks below it are what."""
    return (
        of_organization(STATUS, STATUS.c.status, func.count())
        .where(
            STATUS.c.root == bindparam("root"),
            STATUS.c.id > bindparam("first"),
            STATUS.c.id < bindparam("last"),
        )
        .group_by(STATUS.c.status)
    )
