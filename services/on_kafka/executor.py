"""An executor alone: it claims tasks, has them run, and stops them."""

import asyncio
from collections.abc import Callable

from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.ledger import Ledger
from services.on_kafka.living import answering, beside, first_of, why_unready
from services.on_kafka.site import opened_site
from services.own_words import OwnWords
from services.settings import Settings
from services.voice import Voice


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        history, output, heartbeats = site.streams
        executor_id = f"executor-{site.world.new_id()}"
        words = OwnWords()
        voice = Voice(history, site.world, source=executor_id, region=settings.region, words=words)
        vault = await site.open_vault(opened)
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        executor = Executor(
            executor_id,
            history=history,
            output=output,
            heartbeats=heartbeats,
            voice=voice,
            region=settings.region,
            engines=LocalEngines(settings.data, settings.executor),
            settings=settings.executor,
            world=site.world,
            alone=False,
            vault=vault,
        )
        vault.declared.learn_from(executor)
        ledger = Ledger(
            history, site.reads, (executor, voice), cancel_listeners=(executor,), words=words
        )

        def unready() -> str | None:
            return why_unready(ledger) or (None if executor.working.is_set() else "starting")

        async with (
            beside(*site.sides, ledger.run) as tasks,
            answering(settings.health, unready, tasks),
        ):
            executing = tasks.create_task(
                executor.run(stopping, settings.shutdown_grace_seconds), name="executor"
            )
            if not await first_of(executor.working, stopping):
                executing.cancel()
                return
            started(executor_id)
            await executing
