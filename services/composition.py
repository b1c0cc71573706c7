"""The one composition root: which adapters, which services, in which order they live and end.

Everybody else gets what they need handed in; only this module knows the concrete parts.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from time import monotonic, time_ns
from typing import Protocol

import structlog

from events.errors import CountermandError
from events.log import Record
from events.positions import Frontier
from services.at_hand import AtHand
from services.bridge.bridge import carried_here
from services.bridge.crossing import Crossing
from services.bulk_canceller import BulkCanceller
from services.control_store import ControlStore, open_control_store
from services.data_folder import check_history_is_there
from services.embedded_log import EmbeddedLog, open_log
from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.gateway.app import new_app
from services.gateway.desk import Desk, new_desk
from services.gateway.rate_limits import Buckets
from services.gateway.server import Server, new_server
from services.ledger import Ledger, Listener, stands_still
from services.operations.scope import Parts
from services.outputs import Outputs
from services.own_words import OwnWords
from services.patience import Patience
from services.projecting.beside import ProjectorBeside
from services.projecting.lives import Life
from services.pulse.pulse import Pulse
from services.read_models.models import ReadModels
from services.read_side import open_models
from services.regions.opening import open_regions
from services.regions.regions import Regions, gaps_of
from services.right_of_way import RightOfWay
from services.roll import Roll
from services.secrets.declared import Declared
from services.secrets.destroying import KeyDestroyer
from services.secrets.vault import Vault
from services.settings import Settings
from services.telemetry.oddities import Oddities
from services.telemetry.telemetry import Telemetry
from services.verdicts import Verdicts
from services.voice import Voice
from services.watchdog import Watchdog
from services.webhooks.addresses import CheckedNetwork
from services.webhooks.courier import Depot
from services.webhooks.sending import Sender
from services.webhooks.webhooks import Webhooks
from services.world import World, real_world

START_SECONDS = 60.0
SWITCH_INTERVAL_SECONDS = 0.0001
JUDGED_AT_ONCE = 64
"""Records, before others have their turn: as many new roots as one look-up takes."""
JUDGED_WITHIN_US = 250_000
"""What was appended so long ago is judged, whoever else would go first."""

log = structlog.get_logger(__name__)


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


async def serve_embedded(
    settings: Settings,
    stopping: asyncio.Event,
    started: Callable[[str], None],
    projector: Life | None = None,
) -> None:
    """`countermand up`: all services, until `stopping` is set. `projector`: its process, if there
    is one already."""
    async with AsyncExitStack() as opened:
        service = await make_embedded(settings, real_world(), opened, projector)
        await run_embedded(service, stopping, started)


async def make_embedded(
    settings: Settings, world: World, opened: AsyncExitStack, begun: Life | None = None
) -> Embedded:
    """What is opened here is closed in reverse order by whoever owns the stack."""
    data = settings.data
    check_history_is_there(data)
    now_us = partial(_microseconds)
    store = open_control_store(settings.control_store, data)
    opened.callback(store.close)
    telemetry = Telemetry(settings.telemetry)
    opened.callback(telemetry.close)
    logs = []
    for name in ("history", "output", "heartbeats"):
        stream = await open_log(data / f"{name}.sqlite", name, now_us)
        opened.push_async_callback(stream.close)
        telemetry.time(name, stream)
        logs.append(stream)
    history, output, heartbeats = logs
    right_of_way = RightOfWay(monotonic)
    projector, reads = await open_models(data, history, begun)
    opened.push_async_callback(reads.close)
    opened.push_async_callback(projector.close)
    verdicts = Verdicts()
    at_hand = AtHand(verdicts)
    vault = Vault(store, world.now, Declared(settings.secret_fields))
    key_destroyer = KeyDestroyer(vault, lambda who, task: reads.of(who).task(task), world.now)
    executor_id = f"executor-{world.new_id()}"
    words = OwnWords()
    voice = Voice(history, world, source=executor_id, region=settings.region, words=words)
    watch_voice = Voice(history, world, source="watchdog", region=settings.region, words=words)
    executor = Executor(
        executor_id,
        history=history,
        output=output,
        heartbeats=heartbeats,
        voice=voice,
        region=settings.region,
        engines=LocalEngines(data, settings.executor),
        settings=settings.executor,
        world=world,
        alone=True,
        vault=vault,
    )
    vault.declared.learn_from(executor)
    watchdog = Watchdog(
        heartbeats=heartbeats,
        voice=watch_voice,
        world=world,
        settings=settings.watchdog,
        watchdog_id=f"watchdog-{world.new_id()}",
    )
    pulse = Pulse(
        heartbeats=heartbeats,
        voice=Voice(history, world, source="pulse", region=settings.region, words=words),
        world=world,
        settings=settings.pulse,
        pulse_id=f"pulse-{world.new_id()}",
    )
    await pulse.recall(reads)
    telemetry.follow(pulse)
    sending = settings.webhooks
    network = CheckedNetwork(sending.allowed_networks, sending.connect_seconds)
    sender = Sender(network, sending.attempt_seconds)
    webhooks = Webhooks(Depot(store, reads, sender, settings.webhooks, world))
    telemetry.sources.webhooks = webhooks.deliveries
    regions, dock = await open_regions(
        settings, store, world, opened, log=history, words=words, reads=reads, verdicts=verdicts
    )
    telemetry.sources.region_gaps = gaps_of(regions)
    oddities = telemetry.sources.oddities = Oddities()
    # The executor hears first: nothing stands between a cancel and its run.
    listeners: list[Listener] = [
        executor,
        voice,
        watch_voice,
        verdicts,
        at_hand,
        watchdog,
        projector,
        key_destroyer,
        pulse,
        webhooks,
        oddities,
    ]
    if dock is not None:
        # Before anybody who answers a caller: what goes to other regions has a longer way.
        listeners.insert(1, dock.recent)
    verdicts.hurry_with(right_of_way.end)

    async def give_way(record: Record) -> None:
        waiting_us = now_us() - record.appended_at_us
        if not (verdicts.awaited or voice.awaited) and waiting_us < JUDGED_WITHIN_US:
            await right_of_way.given()

    ledger = Ledger(
        history,
        reads,
        listeners,
        cancel_listeners=(executor,),
        batch_records=JUDGED_AT_ONCE,
        words=words,
        give_way=give_way,
    )
    telemetry.sources.picture = partial(pulse.picture, None)
    telemetry.sources.runs = lambda: len(executor.runs)
    telemetry.sources.lag_entries = lambda: behind(history.stored, reads.frontier())
    telemetry.sources.stopped_partitions = lambda: len(ledger.stopped)
    outputs = Outputs(output)
    limits = settings.gateway
    parts = Parts(
        log=history,
        words=words,
        reads=reads,
        verdicts=verdicts,
        at_hand=at_hand,
        patience=Patience(limits.verdict_wait_seconds, TimeoutError),
        append_patience=Patience(limits.append_wait_seconds, TimeoutError),
        world=world,
        settings=limits,
        denials=Buckets(
            limits.denials_audited_per_minute / 60,
            limits.denials_audited_per_minute,
            limits.principals_counted,
            monotonic,
        ),
        vault=vault,
        region=settings.region,
        source="gateway",
        partition_of=lambda _: 0,
        stopped=lambda: ledger.stopped,
        regions=regions,
    )
    roll = Roll(heartbeats, world)
    canceller = BulkCanceller(
        store=store,
        log=history,
        reads=reads,
        verdicts=verdicts,
        world=world,
        words=words,
        settings=settings.bulk,
        verdict_wait_seconds=limits.verdict_wait_seconds,
        region=settings.region,
        source="gateway",
    )
    desk = new_desk(
        parts,
        settings,
        store,
        outputs,
        canceller,
        roll,
        monotonic,
        unready=partial(why_unready, ledger, projector),
        pictures=pulse.of,
        metrics=telemetry.metrics,
        webhooks_changed=webhooks.changed,
        dock=dock,
        right_of_way=right_of_way,
    )
    server = new_server(telemetry.traced(new_app(desk)), limits, settings.shutdown_grace_seconds)
    return Embedded(
        settings=settings,
        store=store,
        history=history,
        output=output,
        words=words,
        reads=reads,
        projector=projector,
        verdicts=verdicts,
        outputs=outputs,
        executor=executor,
        watchdog=watchdog,
        pulse=pulse,
        webhooks=webhooks,
        key_destroyer=key_destroyer,
        canceller=canceller,
        roll=roll,
        ledger=ledger,
        desk=desk,
        server=server,
        regions=regions,
        crossings=carried_here(settings, dock, regions),
    )


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


def behind(there: Frontier, shown: Frontier) -> int:
    """How many entries that are stored the read models don't show yet."""
    return sum(max(0, offset - shown.get(partition, 0)) for partition, offset in there.items())


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
    await service.reads.reached(end, service.settings.shutdown_grace_seconds)
    await service.desk.keys.flush()
    # 4. Side tasks; then logs and stores close, in the reverse order of their opening.
    for side in sides:
        side.cancel()


def _microseconds() -> int:
    return time_ns() // 1000
