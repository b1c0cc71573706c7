"""What every service on Kafka has: the streams, the read models, and news of them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import make_url

from events.errors import CountermandError
from services.control_store import open_control_store
from services.kafka_log.streams import Streams, open_streams
from services.on_kafka.living import Side
from services.read_models.models import ReadModels
from services.read_models.notifications import Notifications
from services.read_models.schemas import Schemas
from services.read_side import check
from services.secrets.declared import Declared
from services.secrets.vault import Vault
from services.settings import Settings, postgres_url
from services.world import World, real_world

SWITCH_INTERVAL_SECONDS = 0.0002
"""Beside threads that wait for the database the event loop wants the interpreter back soon."""


class NotConfigured(CountermandError):
    """A service alone doesn't know where the log or the database is."""

    def __init__(self) -> None:
        super().__init__(
            "a service alone works on Kafka and PostgreSQL: set COUNTERMAND_KAFKA=host:port and "
            "COUNTERMAND_POSTGRES=postgresql://user:password@host:port/database. On the embedded "
            "log `countermand up` runs all of them in one process"
        )


@dataclass(frozen=True, slots=True)
class Site:
    """What every service on Kafka has."""

    settings: Settings
    world: World
    streams: Streams
    schemas: Schemas
    reads: ReadModels
    notifications: Notifications

    async def open_vault(self, opened: AsyncExitStack) -> Vault:
        """The control store of all services, and the keys to secrets in it."""
        settings = self.settings
        store = await asyncio.to_thread(open_control_store, settings.control_store, settings.data)
        opened.callback(store.close)
        return Vault(store, self.world.now, Declared(settings.secret_fields))

    @property
    def sides(self) -> Sequence[Side]:
        return (self.notifications.run,)


@asynccontextmanager
async def opened_site(settings: Settings) -> AsyncIterator[tuple[Site, AsyncExitStack]]:
    """Connected to everything, which fits together; closed in reverse order."""
    if settings.kafka is None or settings.postgres is None:
        raise NotConfigured
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    schemas = Schemas(make_url(postgres_url(settings.postgres.get_secret_value())))
    async with AsyncExitStack() as opened:
        reads = ReadModels(await asyncio.to_thread(schemas.in_use))
        opened.push_async_callback(reads.close)
        await reads.open()
        streams = await open_streams(settings.kafka, settings.broker, opened)
        checkpoints = await reads.checkpoints()
        await check(streams.history, checkpoints)
        notifications = Notifications(schemas, reads)
        yield Site(settings, real_world(), streams, schemas, reads, notifications), opened
