"""A gateway alone: HTTP for callers."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from time import monotonic

from events.positions import Frontier
from services.at_hand import AtHand
from services.bridge.bridge import carried_here
from services.bridge.crossing import Crossing
from services.bulk_canceller import BulkCanceller
from services.control_store import ControlStore
from services.gateway.app import new_app
from services.gateway.desk import Desk, new_desk
from services.gateway.rate_limits import Buckets
from services.gateway.server import new_server
from services.kafka_log.writer import partition_of
from services.ledger import Ledger, Listener
from services.on_kafka.duties import Duties
from services.on_kafka.living import START_SECONDS, beside, why_unready
from services.on_kafka.site import Site, opened_site
from services.on_kafka.turn import Turn
from services.operations.scope import Parts
from services.outputs import TASKS_KEPT, Outputs
from services.own_words import OwnWords
from services.patience import Patience
from services.pulse_worker.pictures import ShelfPictures
from services.pulse_worker.shelf import Shelf
from services.read_models.hurrying import Hurrying
from services.regions.opening import open_regions
from services.regions.regions import gaps_of
from services.roll import Roll
from services.secrets.vault import Vault
from services.settings import Settings
from services.telemetry.oddities import Oddities
from services.telemetry.telemetry import Telemetry
from services.verdicts import Verdicts
from services.webhooks.addresses import CheckedNetwork
from services.webhooks.courier import Depot
from services.webhooks.sending import Sender
from services.webhooks.webhooks import Webhooks

CARRYING = 2
"""The number of the turn."""


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        telemetry = Telemetry(settings.telemetry)
        opened.callback(telemetry.close)
        verdicts, words = Verdicts(), OwnWords()
        at_hand = AtHand(verdicts)
        history, output, heartbeats = site.streams
        roll = Roll(heartbeats, site.world)
        pictures = await open_pictures(site, opened)
        vault = await site.open_vault(opened)
        duties = Duties(
            site.schemas.url,
            partial(new_webhooks, vault.store, site),
            pictures,
            telemetry,
            settings.silence_limit_seconds,
        )
        oddities = telemetry.sources.oddities = Oddities()
        listeners: list[Listener] = [verdicts, at_hand, duties, oddities]
        ledger = Ledger(history, site.reads, listeners, words=words)
        telemetry.sources.lag_entries = lambda: behind(ledger.frontier, site.reads.frontier())
        telemetry.sources.stopped_partitions = lambda: len(ledger.stopped)
        outputs = Outputs(output, TASKS_KEPT // settings.broker.partitions)
        desk, canceller = await make_desk(
            site,
            opened,
            vault,
            words,
            verdicts,
            at_hand,
            outputs,
            roll,
            pictures,
            duties,
            ledger,
            telemetry,
        )
        telemetry.sources.region_gaps = gaps_of(desk.parts.regions)
        if desk.dock is not None:
            listeners.insert(0, desk.dock.recent)
        app = telemetry.traced(new_app(desk))
        server = new_server(app, settings.gateway, settings.shutdown_grace_seconds)
        hurrying = Hurrying(site.reads)
        sides = [
            ledger.run,
            hurrying.run,
            outputs.run,
            roll.run,
            duties.run,
            desk.keys.note_uses,
        ]
        if desk.parts.regions is not None:
            sides.append(desk.parts.regions.copies.run)
        if crossings := carried_here(settings, desk.dock, desk.parts.regions):
            work, limit = partial(carry, crossings), settings.silence_limit_seconds
            sides.append(Turn(site.schemas.url, CARRYING, work, limit).run)
        async with beside(*site.sides, *sides) as tasks:
            bulk = tasks.create_task(canceller.run(), name="bulk cancels")
            async with asyncio.timeout(START_SECONDS):
                await ledger.ready.wait()
            serving = tasks.create_task(server.serve(), name="server")
            await server.until_listening(START_SECONDS)
            started(f"http://{settings.gateway.host}:{server.port}")
            await stopping.wait()
            # Streams end, nothing new is accepted; what is being answered is answered.
            verdicts.close()
            server.should_exit = True
            await serving
            canceller.close()
            await bulk
            await desk.keys.flush()


async def carry(crossings: Sequence[Crossing]) -> None:
    """Between this region and others, as long as the turn is this gateway's."""
    async with asyncio.TaskGroup() as tasks:
        for each in crossings:
            tasks.create_task(each.run(), name=f"{each.source} to {each.target}")


async def open_pictures(site: Site, opened: AsyncExitStack) -> ShelfPictures:
    shelf = Shelf(site.schemas.url)
    opened.callback(shelf.close)
    await asyncio.to_thread(shelf.open)
    return ShelfPictures(shelf, site.settings.pulse, site.world)


def new_webhooks(store: ControlStore, site: Site) -> Webhooks:
    settings = site.settings.webhooks
    network = CheckedNetwork(settings.allowed_networks, settings.connect_seconds)
    sender = Sender(network, settings.attempt_seconds)
    return Webhooks(Depot(store, site.reads, sender, settings, site.world))


async def make_desk(
    site: Site,
    opened: AsyncExitStack,
    vault: Vault,
    words: OwnWords,
    verdicts: Verdicts,
    at_hand: AtHand,
    outputs: Outputs,
    roll: Roll,
    pictures: ShelfPictures,
    duties: Duties,
    ledger: Ledger,
    telemetry: Telemetry,
) -> tuple[Desk, BulkCanceller]:
    """What the routes share, and who carries out cancels of many tasks."""
    settings, limits, history = site.settings, site.settings.gateway, site.streams.history
    per_minute = limits.denials_audited_per_minute
    regions, dock = await open_regions(
        settings,
        vault.store,
        site.world,
        opened,
        log=history,
        words=words,
        reads=site.reads,
        verdicts=verdicts,
    )
    parts = Parts(
        log=history,
        words=words,
        reads=site.reads,
        verdicts=verdicts,
        at_hand=at_hand,
        patience=Patience(limits.verdict_wait_seconds, TimeoutError),
        append_patience=Patience(limits.append_wait_seconds, TimeoutError),
        world=site.world,
        settings=limits,
        denials=Buckets(per_minute / 60, per_minute, limits.principals_counted, monotonic),
        vault=vault,
        region=settings.region,
        source="gateway",
        partition_of=lambda key: partition_of(key.encode(), settings.broker.partitions),
        stopped=lambda: ledger.stopped,
        regions=regions,
    )
    canceller = BulkCanceller(
        store=vault.store,
        log=history,
        reads=site.reads,
        verdicts=verdicts,
        world=site.world,
        words=words,
        settings=settings.bulk,
        verdict_wait_seconds=limits.verdict_wait_seconds,
        region=settings.region,
        source="gateway",
    )
    desk = new_desk(
        parts,
        settings,
        vault.store,
        outputs,
        canceller,
        roll,
        monotonic,
        unready=partial(why_unready, ledger),
        pictures=pictures.of,
        metrics=telemetry.metrics,
        dock=dock,
        webhooks_changed=duties.webhooks_changed,
    )
    return desk, canceller


def behind(there: Frontier, shown: Frontier) -> int:
    """How many entries stand between the two."""
    return sum(max(0, offset - shown.get(partition, 0)) for partition, offset in there.items())
