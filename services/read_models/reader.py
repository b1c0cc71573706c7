"""Where questions are answered: one read connection, or a few in threads.

A question is a function of a `Session`; it sees one generation from its begin to its end. On SQLite
it runs in the event loop: a look-up takes some tens of microseconds, a thread would cost more than
it. Whoever has many asks them one after another, so that others have their turn between them. On
PostgreSQL a question waits for the network, in a thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from services.read_models.database import Database
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.session import Session

Answer = TypeVar("Answer")

THREADS = 8


class Asked(Protocol):
    """Who answers questions."""

    async def ask(self, question: Callable[[Session], Answer]) -> Answer: ...


class Reader:
    """For one event loop. `use` changes the generation between two questions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._inline = database.flavour.reads_inline
        self._threads = None if self._inline else ThreadPoolExecutor(THREADS, "read-models")
        self._sessions: SimpleQueue[Session | None] = SimpleQueue()
        self._fill(database)

    def use(self, database: Database) -> None:
        """From the next question on."""
        if database.url == self.database.url and database.schema == self.database.schema:
            return
        old, self._sessions = self._sessions, SimpleQueue()
        self.database = database
        self._fill(database)
        # A question that was asked before may still come for one of these.
        self._renew_idle(old)

    async def ask(self, question: Callable[[Session], Answer]) -> Answer:
        if self._threads is None:
            answer = self._answer(question, self._sessions)
            return answer
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, question, self._sessions)

    async def ask_aside(self, question: Callable[[Session], Answer]) -> Answer:
        """One that looks at many rows: in a thread, on a connection of its own."""
        return await asyncio.to_thread(self._aside, question)

    async def close(self) -> None:
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)
        while not self._sessions.empty():
            close(self._sessions.get_nowait())

    def _answer(
        self, question: Callable[[Session], Answer], sessions: SimpleQueue[Session | None]
    ) -> Answer:
        session = sessions.get()
        try:
            if session is not None:
                try:
                    return question(session)
                except ReadModelsUnavailable:
                    # Whatever ended this connection while nobody asked has most likely ended those
                    # that are idle, too; and may be over.
                    close(session)
                    session = None
                    self._renew_idle(sessions)
            session = self.database.connect()
            return question(session)
        except ReadModelsUnavailable:
            close(session)
            session = None
            raise
        finally:
            if sessions is self._sessions:
                sessions.put(session)
            else:
                sessions.put(None)
                close(session)

    def _renew_idle(self, sessions: SimpleQueue[Session | None]) -> None:
        for _ in range(sessions.qsize()):
            with suppress(Empty):
                idle = sessions.get_nowait()
                sessions.put(None)
                close(idle)

    def _aside(self, question: Callable[[Session], Answer]) -> Answer:
        session = self.database.connect()
        try:
            return question(session)
        finally:
            session.close()

    def _fill(self, database: Database) -> None:
        """Connections of a server are made when they are needed."""
        for _ in range(1 if self._inline else THREADS):
            self._sessions.put(database.connect() if self._inline else None)


def close(session: Session | None) -> None:
    if session is not None:
        session.close()
