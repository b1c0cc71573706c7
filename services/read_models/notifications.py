"""Hears from PostgreSQL how far the read models have come, whoever writes them.

Each commit of a projector notifies on the channel of its generation's schema; nobody polls. What
was committed while nobody listened is asked for once, when the connection is there again. A
generation that was superseded is left for its successor. Who writes them hears, too, how far they
are waited for elsewhere.
"""

import asyncio

import psycopg
import structlog

from events.positions import read_frontier
from services.read_models.database import POSTGRES_ARGUMENTS
from services.read_models.errors import ReadModelsUnavailable
from services.read_models.models import WANTED, ReadModels
from services.read_models.schemas import Schemas
from services.read_models.writing import SUPERSEDED

AGAIN_SECONDS = 0.5
AGAIN_AT_MOST_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Notifications:
    """For one event loop."""

    def __init__(self, schemas: Schemas, models: ReadModels) -> None:
        self.hears_what_is_wanted = False
        """Set before `run` by whoever can hurry."""
        self._schemas = schemas
        self._models = models
        self._address = schemas.url.set(drivername="postgresql").render_as_string(
            hide_password=False
        )
        self.listening = asyncio.Event()
        """Set while what is committed is heard."""

    async def run(self) -> None:
        """Listen until cancelled; a connection that is lost is made anew."""
        pause = AGAIN_SECONDS
        while True:
            try:
                await self._listen()
                pause = AGAIN_SECONDS
            except (psycopg.Error, ReadModelsUnavailable) as error:
                log.warning("no notifications from PostgreSQL", why=str(error).strip())
                await asyncio.sleep(pause)
                pause = min(2 * pause, AGAIN_AT_MOST_SECONDS)
            finally:
                self.listening.clear()

    async def _listen(self) -> None:
        """Of the generation in use, until another takes over."""
        number = await asyncio.to_thread(self._schemas.live)
        connection = await psycopg.AsyncConnection.connect(
            self._address, autocommit=True, **POSTGRES_ARGUMENTS
        )
        async with connection:
            channel = self._schemas.name(number)
            await connection.execute(f"LISTEN {channel}".encode())
            if self.hears_what_is_wanted:
                await connection.execute(f"LISTEN {channel}{WANTED}".encode())
            database = await asyncio.to_thread(self._schemas.in_use)
            if database.schema != self._schemas.name(number):
                return
            self._models.use(database)
            await self._models.open()
            self.listening.set()
            async for heard in connection.notifies():
                if heard.channel != channel:
                    self._models.want(read_frontier(heard.payload))
                elif heard.payload == SUPERSEDED:
                    return
                else:
                    self._models.learn(read_frontier(heard.payload))
