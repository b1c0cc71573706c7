"""The tables of one generation of the read models, for SQLite and PostgreSQL alike.

Every row of `history` is one record of the log and never changes. Every other table follows from
the entries too, and says how things stand now, or stood when. Times are microseconds since 1970,
event and run ids 32 hexadecimal digits, places one number (place.py), JSON is text.
"""

from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

Kind: TypeAlias = TypeEngine[Any] | type[TypeEngine[Any]]

PlaceType = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite keeps rows in the order of a key that is INTEGER."""


def required(name: str, kind: Kind) -> Column[Any]:
    return Column(name, kind, nullable=False)


def clustered(name: str) -> Column[Any]:
    return Column(name, PlaceType, primary_key=True, autoincrement=False)


def key(name: str, kind: Kind = Text) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False, nullable=False)


def task_after() -> list[Column[Any]]:
    """A task as an event left it. In every line about it, so that any past is one look-up."""
    return [
        Column("status", String(16)),
        Column("evidence", String(32)),
        Column("attempt", BigInteger),
        Column("failures", BigInteger),
        Column("not_before_us", BigInteger),
        Column("waiting_for", BigInteger),
        Column("answered", BigInteger),
        Column("run_id", String(32)),
        Column("executor", Text),
        Column("started_us", BigInteger),
        Column("finished_us", BigInteger),
        Column("cancel_id", String(32)),
        Column("cancel_grace_seconds", Float),
        Column("cancel_requested_us", BigInteger),
        Column("contradicted", SmallInteger),
    ]


def project_after() -> list[Column[Any]]:
    """A project as an event left it."""
    return [
        Column("status", String(16)),
        Column("plan", BigInteger),
        Column("planned_tasks", BigInteger),
        Column("pauses", BigInteger),
        Column("arrived", BigInteger),
        Column("unfinished", BigInteger),
        Column("active", BigInteger),
        Column("failed", BigInteger),
        Column("started_us", BigInteger),
        Column("finished_us", BigInteger),
        Column("cancel_id", String(32)),
        Column("cancel_grace_seconds", Float),
        Column("cancel_requested_us", BigInteger),
    ]


history = Table(
    "history",
    metadata,
    clustered("place"),
    required("appended_us", BigInteger),
    # The latest append time up to here in this partition: it never goes backwards.
    required("latest_us", BigInteger),
    required("value", LargeBinary),
    # Of a malformed record there is nothing but this and why.
    Column("event_id", String(32)),
    Column("type", Text),
    Column("organization", Text),
    Column("root", Text),
    Column("subject", Text),
    Column("time_us", BigInteger),
    Column("actor_kind", String(16)),
    Column("actor_id", Text),
    required("verdict", String(16)),
    Column("reason", String(32)),
    Column("late_seconds", Float),
    Column("trouble", Text),
    *task_after(),
    # Said by the lines of a run's end only; the result is in their bytes.
    Column("error", Text),
    Column("error_type", Text),
    Index("history_by_subject", "organization", "subject", "place"),
    Index("history_by_root", "organization", "root", "place"),
    Index("history_by_event", "organization", "event_id", "place"),
    Index("history_by_actor", "organization", "actor_id", "place"),
    Index("history_by_type", "organization", "type", "place"),
    Index("history_by_organization", "organization", "place"),
)

history_below = Table(
    "history_below",
    metadata,
    key("organization"),
    key("id"),
    key("place", PlaceType),
    required("variant", Integer),
    sqlite_with_rowid=False,
)
"""That an event did something to a task below its subject, e.g. a cancel from above."""

changes_below = Table(
    "changes_below",
    metadata,
    key("organization"),
    key("root"),
    key("place", PlaceType),
    key("variant", Integer),
    *task_after(),
    sqlite_with_rowid=False,
)
"""What it did: told once for all tasks that it left alike, which may be ten thousand."""

task_status = Table(
    "task_status",
    metadata,
    key("organization"),
    key("id"),
    required("root", Text),
    Column("parent", Text),
    required("kind", Text),
    required("region", Text),
    required("created_us", BigInteger),
    required("submitted", PlaceType),
    required("created_by_kind", String(16)),
    required("created_by_id", Text),
    *task_after(),
    Column("result", Text),
    Column("error", Text),
    Column("error_type", Text),
    required("changed", PlaceType),
    Index("task_status_by_time", "organization", "created_us", "id"),
    Index("task_status_by_status", "organization", "status", "created_us", "id"),
    Index("task_status_by_root", "organization", "root", "created_us", "id"),
    Index("task_status_by_kind", "organization", "kind", "created_us", "id"),
    Index("task_status_by_actor", "organization", "created_by_id", "created_us", "id"),
    sqlite_with_rowid=False,
)

task_labels = Table(
    "task_labels",
    metadata,
    key("organization"),
    key("name"),
    key("value"),
    key("created_us", BigInteger),
    key("id"),
    sqlite_with_rowid=False,
)

projects = Table(
    "projects",
    metadata,
    key("organization"),
    key("id"),
    required("region", Text),
    required("created_us", BigInteger),
    required("created", PlaceType),
    *project_after(),
    required("changed", PlaceType),
    Index("projects_by_time", "organization", "created_us", "id"),
    sqlite_with_rowid=False,
)

project_changes = Table(
    "project_changes",
    metadata,
    key("organization"),
    key("id"),
    key("place", PlaceType),
    *project_after(),
    sqlite_with_rowid=False,
)

cancellations = Table(
    "cancellations",
    metadata,
    key("organization"),
    key("id"),
    required("kind", Text),
    required("region", Text),
    required("status", String(16)),
    required("cancel_id", String(32)),
    Column("grace_seconds", Float),
    required("requested_us", BigInteger),
    Column("due_us", BigInteger),
    Column("observed_us", BigInteger),
    Column("unconfirmed_us", BigInteger),
    Column("stopped_us", BigInteger),
    Column("evidence", String(32)),
    Index("cancellations_by_time", "organization", "requested_us", "id"),
    Index("cancellations_by_stop", "organization", "stopped_us", "requested_us", "id"),
    sqlite_with_rowid=False,
)
"""One row for each task or project that was asked to stop, or had a run that was to be stopped."""

roots = Table(
    "roots",
    metadata,
    key("log_key"),
    required("first", PlaceType),
    required("live", SmallInteger),
    sqlite_with_rowid=False,
)
Index(
    "roots_alive",
    roots.c.log_key,
    sqlite_where=roots.c.live == 1,
    postgresql_where=roots.c.live == 1,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    key("partition", Integer),
    required("next_offset", BigInteger),
    required("digest", LargeBinary),
    required("latest_us", BigInteger),
)
"""How far this generation has come: the digest is that of the last record's bytes."""

generation = Table(
    "generation",
    metadata,
    key("number", Integer),
    required("layout", Integer),
    Column("successor", Integer),
)
"""One row. With a successor this generation is no longer written, nor read by anybody new."""

IN_LOG_ORDER = frozenset({"history_by_organization", "history_by_actor", "history_by_type"})
"""Indexes that a log fills from left to right, in a few places at once. So a generation has them
while it is built, where they cost next to nothing; the others are quicker made at its end."""

LAYOUT = 1
"""Of all these tables. A release that changes what is in them raises it; then they are rebuilt."""
