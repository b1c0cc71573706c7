"""A projector alone: it feeds the read models from the log."""

import asyncio
from collections.abc import Callable

from services.kafka_log.lag import open_lag
from services.kafka_log.streams import connection_to, limits_of, topics_of
from services.ledger import stands_still
from services.on_kafka.living import answering, beside
from services.on_kafka.site import opened_site
from services.settings import Settings
from services.shared_projector import SharedProjector


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        assert settings.kafka is not None
        history, *_ = topics_of(settings.broker)
        connection, limits = (
            connection_to(settings.kafka, settings.broker),
            limits_of(settings.broker),
        )
        group = f"{settings.broker.topic_prefix}-projectors"
        lag = await open_lag(connection, history, limits, group)
        opened.push_async_callback(lag.close)
        site.notifications.hears_what_is_wanted = True
        projector = SharedProjector(
            site.streams.history,
            site.schemas,
            site.reads,
            settings.broker.partitions,
            lag,
            settings.silence_limit_seconds,
        )

        def unready() -> str | None:
            return stands_still(projector.stopped) if projector.stopped else None

        async with (
            beside(*site.sides, projector.run) as tasks,
            answering(settings.health, unready, tasks),
        ):
            started("the projector")
            await stopping.wait()
