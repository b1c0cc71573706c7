"""Whoever asks is answered, also while another generation takes over."""

import asyncio
import threading
from typing import Any, cast

from services.read_models.database import Database
from services.read_models.flavour import POSTGRESQL
from services.read_models.reader import THREADS, Reader
from services.read_models.session import Session

PATIENCE_SECONDS = 30.0


class FakeSession:
    def __init__(self, of: str) -> None:
        self.of = of

    def close(self) -> None:
        """Nothing is open."""


class FakeDatabase:
    flavour = POSTGRESQL
    url = "postgresql://"

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def connect(self) -> FakeSession:
        return FakeSession(self.schema)


def a_database(schema: str) -> Database:
    return cast("Database", FakeDatabase(schema))


def of(session: Session) -> str:
    fake: Any = session
    return str(fake.of)


async def test_a_question_that_waited_for_a_thread_is_answered_by_the_next_generation() -> None:
    reader = Reader(a_database("first"))
    go_on = threading.Event()

    def waits(session: Session) -> str:
        go_on.wait(PATIENCE_SECONDS)
        return of(session)

    async with asyncio.timeout(PATIENCE_SECONDS):
        busy = [asyncio.create_task(reader.ask(waits)) for _ in range(THREADS)]
        late = asyncio.create_task(reader.ask(of))
        await asyncio.sleep(0)  # All of them are asked by now.
        reader.use(a_database("second"))
        go_on.set()
        assert set(await asyncio.gather(*busy)) <= {"first", "second"}
        assert await late == "second"
        assert await reader.ask(of) == "second"
        await reader.close()
