"""Which of several processes does what must be done once: whoever holds a lock in PostgreSQL.

The lock is the connection's, so a process that dies, that PostgreSQL has lost, or that says nothing
for a while, holds it no more.
For a moment two may both think that it is theirs: what they do must bear that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import structlog
from sqlalchemy import URL

from services.read_models.database import POSTGRES_ARGUMENTS
from services.silence import END_WHEN_SILENT, HOLD, milliseconds

TURNS = 0x0C04_0006
LOOK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Turn:
    """One object a process and duty."""

    def __init__(
        self,
        database: URL,
        duty: int,
        work: Callable[[], Awaitable[None]],
        silence_limit_seconds: float,
    ) -> None:
        """`work` goes on until it is cancelled; it is begun anew with each turn."""
        self.mine = False
        self._address = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._duty = duty
        self._work = work
        self._silence_limit = milliseconds(silence_limit_seconds)

    async def run(self) -> None:
        """Wait for the turn, and work as long as it lasts, until cancelled."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._address, autocommit=True, **POSTGRES_ARGUMENTS
                ) as connection:
                    await connection.execute(END_WHEN_SILENT, (self._silence_limit,))
                    # Until whoever has it ends: PostgreSQL keeps the queue, nobody polls.
                    await connection.execute("SELECT pg_advisory_lock(%s, %s)", (TURNS, self._duty))
                    await self._work_while_held(connection)
            except psycopg.Error as error:
                log.warning("another process may have the turn now", why=str(error).strip())
                await asyncio.sleep(LOOK_SECONDS)

    async def _work_while_held(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        working = asyncio.ensure_future(self._work())
        self.mine = True
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=LOOK_SECONDS)
                await connection.execute(HOLD)
            await working
        finally:
            self.mine = False
            working.cancel()
            await asyncio.wait({working})
