"""Moves an embedded service's history and output to the topics of a service on Kafka."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from time import time_ns

from services.embedded_log import open_log
from services.kafka_log.streams import open_streams
from services.migration import Migrated, check_empty, migrate
from services.on_kafka.site import NotConfigured
from services.settings import Settings


async def migrate_folder(settings: Settings, tell: Callable[[int], None]) -> list[Migrated]:
    """Of the data folder. Raises `LogInUse` while a service runs there."""
    if settings.kafka is None:
        raise NotConfigured
    done = []
    async with AsyncExitStack() as opened:
        # Nobody writes them meanwhile; a try that is refused for it has made no topic.
        sources = []
        for name in ("history", "output"):
            source = await open_log(
                settings.data / f"{name}.sqlite", name, lambda: time_ns() // 1000
            )
            opened.push_async_callback(source.close)
            sources.append((name, source))
        streams = await open_streams(settings.kafka, settings.broker, opened)
        targets = (streams.history, streams.output)
        for (name, _), target in zip(sources, targets, strict=True):
            await check_empty(name, target)  # All of them, before anything is in one.
        for (name, source), target in zip(sources, targets, strict=True):
            done.append(await migrate(name, source, target, settings.broker.partitions, tell))
    return done
