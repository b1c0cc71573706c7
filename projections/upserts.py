"""The statements that put rows into the tables, as SQLite and PostgreSQL both understand them.

Written from the tables' own description, once for any number of rows. They are text, not objects of
a toolkit, because they run for every event: what is between them and the driver must be nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Dialect, Table

from projections import tables


class Upsert(NamedTuple):
    """Puts rows into one table; of rows that are there already it changes what `changing` says."""

    head: str
    row: str
    tail: str
    width: int
    copy: str
    """What says to PostgreSQL that rows follow; for tables whose rows never change."""

    @property
    def changes_nothing(self) -> bool:
        """A row that is there already is an error."""
        return not self.tail

    def text(self, rows: int) -> str:
        return f"{self.head}{','.join([self.row] * rows)}{self.tail}"


class Merging(NamedTuple):
    """Columns that keep what they have where a row says nothing of them."""

    latest: Sequence[str] = ()
    """What is said later counts."""
    first: Sequence[str] = ()
    """What was said first does."""


NOTHING = Merging()


class ChangeAlike(NamedTuple):
    """Changes the rows of many tasks to the same: cells, organization, ids."""

    head: str
    placeholder: str

    def text(self, ids: int) -> str:
        return f"{self.head}({','.join([self.placeholder] * ids)})"


TASK_CHANGING = (
    *(column.name for column in tables.task_after()),
    "result",
    "error",
    "error_type",
    "changed",
)


class Upserts(NamedTuple):
    """One for each table, by whose columns the rows are made."""

    history: Upsert
    history_below: Upsert
    changes_below: Upsert
    task_status: Upsert
    task_labels: Upsert
    projects: Upsert
    project_changes: Upsert
    cancellations: Upsert
    roots: Upsert
    checkpoints: Upsert


def written_for(dialect: Dialect, placeholder: str) -> Upserts:
    def upsert(table: Table, changing: Sequence[str] = (), merging: Merging = NOTHING) -> Upsert:
        return written(dialect, placeholder, table, changing, merging)

    dynamic_project = [column.name for column in tables.project_after()]
    return Upserts(
        history=upsert(tables.history),
        history_below=upsert(tables.history_below),
        changes_below=upsert(tables.changes_below),
        task_status=upsert(tables.task_status, TASK_CHANGING),
        task_labels=upsert(tables.task_labels),
        projects=upsert(tables.projects, [*dynamic_project, "changed"]),
        project_changes=upsert(tables.project_changes),
        cancellations=upsert(
            tables.cancellations,
            ["status", "cancel_id", "grace_seconds", "stopped_us", "evidence"],
            Merging(latest=("due_us", "unconfirmed_us"), first=("observed_us",)),
        ),
        roots=upsert(tables.roots, ["live"]),
        checkpoints=upsert(tables.checkpoints, ["next_offset", "digest", "latest_us"]),
    )


def written(
    dialect: Dialect,
    placeholder: str,
    table: Table,
    changing: Sequence[str],
    merging: Merging,
) -> Upsert:
    quote = dialect.identifier_preparer.quote
    columns = [column.name for column in table.columns]
    head = f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, columns))}) VALUES "
    row = f"({','.join([placeholder] * len(columns))})"
    copy = f"COPY {quote(table.name)} ({', '.join(map(quote, columns))}) FROM STDIN"
    return Upsert(head, row, conflict(dialect, table, changing, merging), len(columns), copy)


def conflict(dialect: Dialect, table: Table, changing: Sequence[str], merging: Merging) -> str:
    """Without anything to change, a row that is there already is an error."""
    if not changing:
        return ""
    quote = dialect.identifier_preparer.quote
    keys = ", ".join(quote(column.name) for column in table.primary_key)

    def there(name: str) -> str:
        return f"{quote(table.name)}.{quote(name)}"

    def given(name: str) -> str:
        return f"excluded.{quote(name)}"

    changes = {name: given(name) for name in changing}
    changes |= {name: f"coalesce({given(name)}, {there(name)})" for name in merging.latest}
    changes |= {name: f"coalesce({there(name)}, {given(name)})" for name in merging.first}
    return f" ON CONFLICT ({keys}) DO UPDATE SET " + ", ".join(
        f"{quote(name)} = {value}" for name, value in changes.items()
    )


def observed(dialect: Dialect, placeholder: str) -> Sequence[str]:
    """When a run was first told to stop; when it was last said that a stop isn't confirmed. For
    stops of which a batch says nothing else.

    Their cells are the time, organization and id.
    """
    table = dialect.identifier_preparer.quote(tables.cancellations.name)
    where = f"WHERE organization = {placeholder} AND id = {placeholder}"
    return (
        f"UPDATE {table} SET observed_us = coalesce(observed_us, {placeholder}) {where}",
        f"UPDATE {table} SET unconfirmed_us = {placeholder} {where}",
    )


def changed_alike(dialect: Dialect, placeholder: str) -> ChangeAlike:
    quote = dialect.identifier_preparer.quote
    cells = ", ".join(f"{quote(name)} = {placeholder}" for name in TASK_CHANGING)
    table = quote(tables.task_status.name)
    return ChangeAlike(
        f"UPDATE {table} SET {cells} WHERE organization = {placeholder} AND id IN ", placeholder
    )
