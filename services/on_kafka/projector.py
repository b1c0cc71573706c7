"""A projector alone: it feeds the read models from the log."""

import asyncio
from collections.abc import Callable

from services.ledger import stands_still
from services.on_kafka.living import answering, beside
from services.on_kafka.site import opened_site
from services.settings import Settings
from services.shared_projector import SharedProjector


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, _):
        projector = SharedProjector(
            site.streams.history, site.schemas, site.reads, settings.broker.partitions
        )

        def unready() -> str | None:
            return stands_still(projector.stopped) if projector.stopped else None

        async with (
            beside(*site.sides, projector.run) as tasks,
            answering(settings.health, unready, tasks),
        ):
            started("the projector")
            await stopping.wait()
