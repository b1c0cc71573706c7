"""A service on one machine: what it consists of, and the order of its life."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from events.errors import CountermandError
from services.bridge.crossing import Crossing
from services.bulk_canceller import BulkCanceller
from services.control_store import ControlStore
from services.embedded_log import EmbeddedLog
from services.executor.executor import Executor
from services.gateway.desk import Desk
from services.gateway.server import Server
from services.ledger import Ledger, stands_still
from services.outputs import Outputs
from services.own_words import OwnWords
from services.projecting.beside import ProjectorBeside
from services.pulse.pulse import Pulse
from services.read_models.models import ReadModels
from services.regions.regions import Regions
from services.roll import Roll
from services.secrets.destroying import KeyDestroyer
from services.settings import Settings
from services.verdicts import Verdicts
from services.watchdog import Watchdog
from services.webhooks.webhooks import Webhooks

START_SECONDS = 60.0
SWITCH_INTERVAL_SECONDS = 0.0001


@dataclass(frozen=True, slots=True)
class Embedded:
    """Everything of a service on one machine, made but not yet running."""

    settings: Settings
    store: ControlStore
    history: EmbeddedLog
    output: EmbeddedLog
    words: OwnWords
    reads: ReadModels
    projector: ProjectorBeside
    verdicts: Verdicts
    outputs: Outputs
    executor: Executor
    watchdog: Watchdog
    pulse: Pulse
    webhooks: Webhooks
    key_destroyer: KeyDestroyer
    canceller: BulkCanceller
    roll: Roll
    ledger: Ledger
    desk: Desk
    server: Server
    regions: Regions | None
    crossings: Sequence[Crossing]
    """Between this region and the others, if this process carries itself."""


class Projects(Protocol):
    """Whoever writes the read models, or has them written."""

    trouble: CountermandError | None


def why_unready(ledger: Ledger, projector: Projects) -> str | None:
    """What keeps this process from its work; None when nothing does."""
    if not ledger.ready.is_set():
        return "starting"
    if ledger.stopped:
        return stands_still(ledger.stopped)
    return None if projector.trouble is None else "the read models stand still; its log says why"


async def run_embedded(
    service: Embedded, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    """The order of life. A service that dies takes the others with it: nothing limps on."""
    settings = service.settings
    # The event loop shares the interpreter with the threads that commit: by default whoever wants
    # it back after a commit waits up to 5 ms, longer than a whole cancel takes.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    executor_stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        sides = [
            tasks.create_task(service.projector.run(), name="projector"),
            tasks.create_task(service.ledger.run(), name="ledger"),
            tasks.create_task(service.outputs.run(), name="outputs"),
            tasks.create_task(service.watchdog.run(), name="watchdog"),
            tasks.create_task(service.pulse.run(), name="pulse"),
            tasks.create_task(service.webhooks.run(), name="webhooks"),
            tasks.create_task(service.key_destroyer.run(), name="key destroyer"),
            tasks.create_task(service.roll.run(), name="roll"),
            tasks.create_task(service.desk.keys.note_uses(), name="key uses"),
        ]
        if service.regions is not None:
            sides.append(tasks.create_task(service.regions.copies.run(), name="copies"))
        executing = tasks.create_task(
            service.executor.run(executor_stopping, settings.shutdown_grace_seconds),
            name="executor",
        )
        async with asyncio.timeout(START_SECONDS):
            await service.ledger.ready.wait()
        await service.projector.begun(START_SECONDS)
        bulk = tasks.create_task(service.canceller.run(), name="bulk cancels")
        serving = tasks.create_task(service.server.serve(), name="server")
        await service.server.until_listening(START_SECONDS)
        for each in service.crossings:
            name = f"{each.source} to {each.target}"
            sides.append(tasks.create_task(each.run(), name=name))
        started(f"http://{settings.gateway.host}:{service.server.port}")
        await stopping.wait()
        await shut_down(service, sides, bulk, executing, serving, executor_stopping)


async def shut_down(
    service: Embedded,
    sides: list[asyncio.Task[None]],
    bulk: asyncio.Task[None],
    executing: asyncio.Task[None],
    serving: asyncio.Task[None],
    executor_stopping: asyncio.Event,
) -> None:
    """The order of the end."""
    # 1. Streams end, nothing new is accepted; what is being answered is answered.
    service.verdicts.close()
    service.server.should_exit = True
    await serving
    service.canceller.close()
    await bulk
    # 2. Runs end within the grace; what doesn't is released, and said so.
    executor_stopping.set()
    await executing
    # 3. What was said last is projected.
    end = await service.history.end()
    if not await service.reads.reached(end, service.settings.shutdown_grace_seconds):
        service.projector.give_up()
    await service.desk.keys.flush()
    # 4. Side tasks; then logs and stores close, in the reverse order of their opening.
    for side in sides:
        side.cancel()
