"""A worker of the pulse alone: a Faust application inside our own process."""

import asyncio
import os
from collections.abc import Callable

import structlog

from services.on_kafka.living import answering, beside, first_of
from services.on_kafka.site import opened_site
from services.pulse.heartbeats import Heartbeats
from services.pulse_worker.app import PulseApp
from services.pulse_worker.partition import Partition
from services.pulse_worker.shelf import Shelf
from services.pulse_worker.worker import Assigned, Worker
from services.settings import Settings
from services.voice import Voice

TICK_SECONDS = 1.0
END_SECONDS = 20.0
"""For everything to end that was told to."""
STUCK = 70
"""The exit code of a process whose application failed: a supervisor starts it anew."""

log = structlog.get_logger(__name__)


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        assert settings.kafka is not None
        history, _, heartbeats = site.streams
        worker_id = f"pulse-{site.world.new_id()}"
        voice = Voice(history, site.world, source=worker_id, region=settings.region)
        heard = Heartbeats(heartbeats, site.world)
        shelf = Shelf(site.schemas.url)
        opened.callback(shelf.close)
        await asyncio.to_thread(shelf.open)
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        app = PulseApp(settings.kafka, settings.broker, worker_id, settings.data)

        def new_partition(number: int) -> Partition:
            times = app.assignments
            return Partition(
                number,
                settings.broker.partitions,
                app.table,
                history,
                site.reads,
                voice,
                site.world,
                settings.pulse,
                worker_id,
                lambda: heard.budgets,
                lambda: app.assignments == times and number in app.partitions,
            )

        working = asyncio.Event()
        async with beside(*site.sides, heard.run) as tasks:
            worker = Worker(
                worker_id,
                history,
                shelf,
                lambda: Assigned(app.assignments, app.partitions),
                new_partition,
                lambda: heard.executors,
                tasks,
                app.guarded,
            )

            async def tick() -> None:
                await worker.tick()
                working.set()

            def unready() -> str | None:
                if worker.stopped:
                    return "a partition stands still; the log says why"
                return None if working.is_set() else "starting"

            app.on(worker.grown, tick, TICK_SECONDS)
            app.failed.add_done_callback(lambda _: stopping.set())
            async with answering(settings.health, unready, tasks):
                await app.start()
                if await first_of(working, stopping):
                    started(worker_id)
                    await stopping.wait()
                asyncio.get_running_loop().call_later(END_SECONDS, end_at_once)
                in_order = await app.stop()
                worker.end()
                if app.failed.done():
                    log.error("the pulse failed", exc_info=app.failed.exception())
                    in_order = False
                if not in_order:
                    # Whatever of it still runs ends with the process, and with nothing less.
                    os._exit(STUCK)


def end_at_once() -> None:
    """Nothing is lost by it: what a killed worker leaves, others go on with."""
    for task in asyncio.all_tasks():
        log.error("doesn't end", task=task.get_name(), at=[str(at) for at in task.get_stack()])
    os._exit(STUCK)
