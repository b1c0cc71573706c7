"""What is in a generation, as one digest for each table: two of them must say the same of one log.

Left out is where things stand and since when, so that a log that was copied elsewhere compares
equal too. Rows are taken in the order of their root's history, or of their key.
"""

import marshal
from hashlib import sha256

from sqlalchemy import Table, select

from projections import tables
from services.read_models.session import Session

LEFT_OUT = {"place", "appended_us", "latest_us", "submitted", "created", "changed", "first"}
COMPARED = (
    tables.history,
    tables.history_below,
    tables.changes_below,
    tables.task_status,
    tables.task_labels,
    tables.projects,
    tables.project_changes,
    tables.cancellations,
    tables.roots,
)
ROWS_AT_ONCE = 1000
NO_REFERENCES = 2
"""The version of `marshal` whose bytes follow from the values alone."""


def digests(session: Session) -> dict[str, str]:
    """By table. Call it within `session.reading()`."""
    return {table.name: digest(session, table) for table in COMPARED}


def digest(session: Session, table: Table) -> str:
    keys = list(table.primary_key)
    if table is tables.history:
        keys = [table.c.organization, table.c.root, table.c.place]
    columns = [column for column in table.columns if column.name not in LEFT_OUT]
    total = sha256()
    for rows in session.stream(select(*columns).order_by(*keys), ROWS_AT_ONCE):
        total.update(marshal.dumps(rows, NO_REFERENCES))
    return total.hexdigest()
