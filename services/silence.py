"""Sessions of PostgreSQL that end when their process says nothing: with them go their locks.

A process that stands still (SIGSTOP, a frozen machine) keeps its connections, and the kernel
answers for it: only the database can tell. Whoever holds a lock there says something now and then.
"""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

if TYPE_CHECKING:
    from psycopg import Connection

HOLDS_PER_LIMIT = 4
"""So often within the limit who has nothing to say says so."""
IN_TRANSACTION_SECONDS = 30

# Of these settings a server has those that it knows: sessions end idle from PostgreSQL 14 on.
END_WHEN_SILENT = """
SELECT set_config(name, %s, false) FROM pg_settings
WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')
"""
END_TRANSACTION_WHEN_SILENT = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
"""Within a transaction, for it alone."""
HOLD = "SELECT true"
ENDED_FOR_SILENCE = "25P03"
"""PostgreSQL's code, `idle_in_transaction_session_timeout`."""


def milliseconds(limit_seconds: float) -> str:
    """As `END_WHEN_SILENT` takes it."""
    return str(round(limit_seconds * 1000))


def end_silent_transactions(engine: sa.Engine) -> None:
    """Of a pool whose connections may be idle, but not with rows locked."""
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "handle_error", _lost)


def ended_for_silence(error: sa.exc.DBAPIError) -> bool:
    """Whether PostgreSQL has ended this transaction as nothing was said in it: all of it is taken
    back, for certain, as its commit would have been something said."""
    return getattr(error.orig, "sqlstate", None) == ENDED_FOR_SILENCE


def _lost(context: sa.ExceptionContext) -> BaseException | None:
    """To the driver this is an error within PostgreSQL; to us a connection that was lost."""
    error = context.sqlalchemy_exception
    if not isinstance(error, sa.exc.InternalError) or not ended_for_silence(error):
        return None
    return sa.exc.OperationalError(error.statement, None, context.original_exception)


def _set_up(connection: "Connection[Any]", _entry: ConnectionPoolEntry) -> None:
    connection.execute(
        f"SET idle_in_transaction_session_timeout = '{IN_TRANSACTION_SECONDS}s'".encode()
    )
    connection.commit()
