"""A watchdog alone: it says which runs were lost with their executor, and what is due.

It also destroys the keys of tasks that have ended: it hears all of them, and there is always one.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from services.ledger import Ledger
from services.on_kafka.living import answering, beside, first_of, why_unready
from services.on_kafka.site import opened_site
from services.secrets.destroying import KeyDestroyer
from services.settings import Settings
from services.voice import Voice
from services.watchdog import Watchdog


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        history, _, heartbeats = site.streams
        watchdog_id = f"watchdog-{site.world.new_id()}"
        voice = Voice(history, site.world, source=watchdog_id, region=settings.region)
        watchdog = Watchdog(
            heartbeats=heartbeats,
            voice=voice,
            world=site.world,
            settings=settings.watchdog,
            watchdog_id=watchdog_id,
        )
        reads, vault = site.reads, await site.open_vault(opened)
        destroyer = KeyDestroyer(vault, lambda who, task: reads.of(who).task(task), site.world.now)
        ledger = Ledger(history, reads, (voice, watchdog, destroyer))
        async with (
            beside(*site.sides, ledger.run, watchdog.run, destroyer.run) as tasks,
            answering(settings.health, partial(why_unready, ledger), tasks),
        ):
            if await first_of(ledger.ready, stopping):
                started(watchdog_id)
                await stopping.wait()
