"""The one place where questions are bound to an organization.

A statement that doesn't ask for the organization is refused here, before it is ever run; one that
is put together for a question gets the condition here. Whoever holds a `Scoped` can't leave it out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.sql import ColumnElement

from services.read_models.database import Database
from services.read_models.session import Compiled, Row, Session

ORGANIZATION = "organization"


class ScopedStatement(NamedTuple):
    """A compiled statement that asks for the organization."""

    compiled: Compiled


def of_organization(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """Begins a select of one organization's rows of this table."""
    return select(*columns).where(table.c.organization == bindparam(ORGANIZATION))


def compiled(database: Database, statement: Select[Any]) -> ScopedStatement:
    done = database.compiled(statement)
    if ORGANIZATION not in done.names:
        raise ValueError(f"this statement is of every organization: {done.text}")
    return ScopedStatement(done)


class Scoped(NamedTuple):
    """A session that sees one organization."""

    session: Session
    organization: str

    def rows(self, statement: ScopedStatement, **parameters: Any) -> list[Row]:
        return self.session.rows(statement.compiled, organization=self.organization, **parameters)

    def first(self, statement: ScopedStatement, **parameters: Any) -> Row | None:
        return self.session.first(statement.compiled, organization=self.organization, **parameters)

    def select(self, table: Table, statement: Select[Any]) -> Sequence[Row]:
        """`statement` selects from this table only."""
        return self.session.select(statement.where(table.c.organization == self.organization))
