"""The one composition root of the embedded log: which adapters, which services.

Everybody else gets what they need handed in; only this module knows the concrete parts.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from time import monotonic, time_ns

from events.log import Record
from events.positions import missing
from services.at_hand import AtHand
from services.backed_up_settings import keep
from services.bridge.bridge import carried_here
from services.control_store import ControlStore, open_control_store
from services.data_folder import check_history_is_there
from services.embedded import Embedded, run_embedded, why_unready
from services.embedded_log import EmbeddedLog, open_log
from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.gateway.app import new_app
from services.gateway.desk import new_desk
from services.gateway.making import new_canceller, new_parts
from services.gateway.server import new_server
from services.ledger import GiveWay, Ledger, Listener
from services.outputs import Outputs
from services.own_words import OwnWords
from services.projecting.beside import END_SECONDS, ProjectorBeside
from services.projecting.lives import Life
from services.pulse.pulse import Pulse
from services.read_models.models import ReadModels
from services.read_side import open_models
from services.regions.opening import open_regions
from services.regions.regions import gaps_of
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
from services.webhooks.making import new_webhooks
from services.world import World, real_world

JUDGED_AT_ONCE = 64
"""Records, before others have their turn: as many new roots as one look-up takes."""
JUDGED_WITHIN_US = 250_000
"""What was appended so long ago is judged, whoever else would go first."""


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
        keep(settings)
        await run_embedded(service, stopping, started)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all services of this process stand on."""

    settings: Settings
    world: World
    telemetry: Telemetry
    store: ControlStore
    history: EmbeddedLog
    output: EmbeddedLog
    heartbeats: EmbeddedLog
    projector: ProjectorBeside
    reads: ReadModels
    words: OwnWords
    verdicts: Verdicts
    vault: Vault

    def voice(self, source: str) -> Voice:
        return Voice(
            self.history, self.world, source=source, region=self.settings.region, words=self.words
        )


async def make_embedded(
    settings: Settings, world: World, opened: AsyncExitStack, begun: Life | None = None
) -> Embedded:
    """What is opened here is closed in reverse order by whoever owns the stack."""
    ground = await open_ground(settings, world, opened, begun)
    history, reads, verdicts, words = ground.history, ground.reads, ground.verdicts, ground.words
    telemetry, store, vault = ground.telemetry, ground.store, ground.vault

    executor, voice = new_executor(ground)
    vault.declared.learn_from(executor)
    watchdog, watch_voice = new_watchdog(ground)
    pulse = new_pulse(ground)
    await pulse.recall(reads)
    telemetry.follow(pulse)
    key_destroyer = KeyDestroyer(vault, lambda who, task: reads.of(who).task(task), world.now)
    webhooks = new_webhooks(store, reads, settings.webhooks, world)
    regions, dock = await open_regions(
        settings, store, world, opened, log=history, words=words, reads=reads, verdicts=verdicts
    )
    at_hand = AtHand(verdicts)
    oddities = Oddities()

    # The executor hears first: nothing stands between a cancel and its run. Then whoever carries to
    # other regions, which is a longer way than that to a caller.
    listeners: Sequence[Listener] = [
        executor,
        *([] if dock is None else [dock.recent]),
        voice,
        watch_voice,
        verdicts,
        at_hand,
        watchdog,
        ground.projector,
        key_destroyer,
        pulse,
        webhooks,
        oddities,
    ]
    right_of_way = RightOfWay(monotonic)
    verdicts.hurry_with(right_of_way.end)
    ledger = Ledger(
        history,
        reads,
        listeners,
        cancel_listeners=(executor,),
        batch_records=JUDGED_AT_ONCE,
        words=words,
        give_way=giving_way(right_of_way, verdicts, voice),
    )

    outputs, roll = Outputs(ground.output), Roll(ground.heartbeats, world)
    parts = new_parts(
        settings,
        world,
        log=history,
        words=words,
        reads=reads,
        verdicts=verdicts,
        at_hand=at_hand,
        vault=vault,
        partition_of=lambda _: 0,
        stopped=lambda: ledger.stopped,
        regions=regions,
    )
    canceller = new_canceller(parts, settings, store)
    desk = new_desk(
        parts,
        settings,
        store,
        outputs,
        canceller,
        roll,
        monotonic,
        unready=partial(why_unready, ledger, ground.projector),
        pictures=pulse.of,
        metrics=telemetry.metrics,
        webhooks_changed=webhooks.changed,
        dock=dock,
        right_of_way=right_of_way,
    )

    sources = telemetry.sources
    sources.webhooks = webhooks
    sources.region_gaps = gaps_of(regions)
    sources.oddities = oddities
    sources.picture = partial(pulse.picture, None)
    sources.runs = lambda: len(executor.runs)
    sources.lag_entries = lambda: missing(reads.frontier(), history.stored)
    sources.projector = ground.projector.standing
    sources.stopped_partitions = lambda: len(ledger.stopped)

    app = telemetry.traced(new_app(desk))
    return Embedded(
        settings=settings,
        store=store,
        history=history,
        output=ground.output,
        words=words,
        reads=reads,
        projector=ground.projector,
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
        server=new_server(app, settings.gateway, settings.shutdown_grace_seconds),
        regions=regions,
        crossings=carried_here(settings, dock, regions),
    )


async def open_ground(
    settings: Settings, world: World, opened: AsyncExitStack, begun: Life | None
) -> Ground:
    data = settings.data
    check_history_is_there(data)
    store = open_control_store(settings.control_store, data)
    opened.callback(store.close)
    telemetry = Telemetry(settings.telemetry)
    opened.callback(telemetry.close)

    async def opened_log(name: str) -> EmbeddedLog:
        log = await open_log(data / f"{name}.sqlite", name, now_us)
        opened.push_async_callback(log.close)
        telemetry.time(name, log)
        return log

    history = await opened_log("history")
    output = await opened_log("output")
    heartbeats = await opened_log("heartbeats")
    end_seconds = min(END_SECONDS, settings.shutdown_grace_seconds)
    projector, reads = await open_models(data, history, begun, end_seconds)
    opened.push_async_callback(reads.close)
    opened.push_async_callback(projector.close)
    return Ground(
        settings=settings,
        world=world,
        telemetry=telemetry,
        store=store,
        history=history,
        output=output,
        heartbeats=heartbeats,
        projector=projector,
        reads=reads,
        words=OwnWords(),
        verdicts=Verdicts(),
        vault=Vault(store, world.now, Declared(settings.secret_fields)),
    )


def new_executor(ground: Ground) -> tuple[Executor, Voice]:
    """With its voice, which listens to what became of its words."""
    settings = ground.settings
    executor_id = f"executor-{ground.world.new_id()}"
    voice = ground.voice(executor_id)
    executor = Executor(
        executor_id,
        history=ground.history,
        output=ground.output,
        heartbeats=ground.heartbeats,
        voice=voice,
        region=settings.region,
        engines=LocalEngines(settings.data, settings.executor),
        settings=settings.executor,
        world=ground.world,
        alone=True,
        vault=ground.vault,
    )
    return executor, voice


def new_watchdog(ground: Ground) -> tuple[Watchdog, Voice]:
    """With its voice, which listens to what became of its words."""
    voice = ground.voice("watchdog")
    watchdog = Watchdog(
        heartbeats=ground.heartbeats,
        voice=voice,
        world=ground.world,
        settings=ground.settings.watchdog,
        watchdog_id=f"watchdog-{ground.world.new_id()}",
    )
    return watchdog, voice


def new_pulse(ground: Ground) -> Pulse:
    return Pulse(
        heartbeats=ground.heartbeats,
        voice=ground.voice("pulse"),
        world=ground.world,
        settings=ground.settings.pulse,
        pulse_id=f"pulse-{ground.world.new_id()}",
    )


def giving_way(right_of_way: RightOfWay, verdicts: Verdicts, voice: Voice) -> GiveWay:
    """What nobody waits for is judged when whoever is waited for has had their turn."""

    async def give_way(record: Record) -> None:
        left_us = JUDGED_WITHIN_US - (now_us() - record.appended_at_us)
        if not (verdicts.awaited or voice.awaited) and left_us > 0:
            await right_of_way.given(left_us / 1_000_000)

    return give_way


def now_us() -> int:
    return time_ns() // 1000
