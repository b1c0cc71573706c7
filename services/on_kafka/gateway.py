"""A gateway alone: HTTP for callers."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from time import monotonic

from events.positions import missing
from services.at_hand import AtHand
from services.bridge.bridge import carried_here
from services.bridge.crossing import Crossing
from services.bulk_canceller import BulkCanceller
from services.gateway.app import new_app
from services.gateway.desk import Desk, new_desk
from services.gateway.making import new_canceller, new_parts
from services.gateway.server import Server, new_server
from services.kafka_log.writer import partition_of
from services.ledger import Ledger, Listener
from services.on_kafka.duties import Duties, open_duties
from services.on_kafka.living import START_SECONDS, Side, beside, why_unready
from services.on_kafka.site import Site, opened_site
from services.on_kafka.turn import Turn
from services.outputs import TASKS_KEPT, Outputs
from services.own_words import OwnWords
from services.read_models.hurrying import Hurrying
from services.regions.opening import open_regions
from services.regions.regions import gaps_of
from services.roll import Roll
from services.settings import Settings
from services.telemetry.oddities import Oddities
from services.telemetry.telemetry import Telemetry
from services.verdicts import Verdicts

CARRYING = 2
"""The number of the turn."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything of one gateway, made but not yet running."""

    site: Site
    verdicts: Verdicts
    ledger: Ledger
    duties: Duties
    outputs: Outputs
    roll: Roll
    canceller: BulkCanceller
    desk: Desk
    server: Server


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    async with opened_site(settings) as (site, opened):
        await run(await make(site, opened), stopping, started)


async def make(site: Site, opened: AsyncExitStack) -> Gateway:
    """What is opened here is closed in reverse order by whoever owns the stack."""
    settings, (history, output, heartbeats) = site.settings, site.streams
    telemetry = Telemetry(settings.telemetry)
    opened.callback(telemetry.close)
    vault = await site.open_vault(opened)
    words, verdicts = OwnWords(), Verdicts()
    at_hand = AtHand(verdicts)
    duties = await open_duties(site, vault.store, telemetry, opened)
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
    listeners: list[Listener] = [verdicts, at_hand, duties]
    if dock is not None:
        listeners.insert(0, dock.recent)
    ledger = new_ledger(site, listeners, words, telemetry)
    telemetry.sources.region_gaps = gaps_of(regions)
    parts = new_parts(
        settings,
        site.world,
        log=history,
        words=words,
        reads=site.reads,
        verdicts=verdicts,
        at_hand=at_hand,
        vault=vault,
        partition_of=lambda key: partition_of(key.encode(), settings.broker.partitions),
        stopped=lambda: ledger.stopped,
        regions=regions,
    )
    canceller = new_canceller(parts, settings, vault.store)
    outputs = Outputs(output, TASKS_KEPT // settings.broker.partitions)
    roll = Roll(heartbeats, site.world)
    desk = new_desk(
        parts,
        settings,
        vault.store,
        outputs,
        canceller,
        roll,
        monotonic,
        unready=partial(why_unready, ledger),
        pictures=duties.pictures.of,
        metrics=telemetry.metrics,
        dock=dock,
        webhooks_changed=duties.webhooks_changed,
    )
    app = telemetry.traced(new_app(desk))
    server = new_server(app, settings.gateway, settings.shutdown_grace_seconds)
    return Gateway(site, verdicts, ledger, duties, outputs, roll, canceller, desk, server)


def new_ledger(
    site: Site, listeners: Sequence[Listener], words: OwnWords, telemetry: Telemetry
) -> Ledger:
    """The fold of this gateway, and what metrics say of it."""
    oddities = telemetry.sources.oddities = Oddities()
    ledger = Ledger(site.streams.history, site.reads, [*listeners, oddities], words=words)
    telemetry.sources.lag_entries = lambda: missing(site.reads.frontier(), ledger.frontier)
    telemetry.sources.stopped_partitions = lambda: len(ledger.stopped)
    return ledger


async def run(gateway: Gateway, stopping: asyncio.Event, started: Callable[[str], None]) -> None:
    """The order of life."""
    server = gateway.server
    async with beside(*gateway.site.sides, *sides_of(gateway)) as tasks:
        bulk = tasks.create_task(gateway.canceller.run(), name="bulk cancels")
        async with asyncio.timeout(START_SECONDS):
            await gateway.ledger.ready.wait()
        serving = tasks.create_task(server.serve(), name="server")
        await server.until_listening(START_SECONDS)
        started(f"http://{gateway.site.settings.gateway.host}:{server.port}")
        await stopping.wait()
        # Streams end, nothing new is accepted; what is being answered is answered.
        gateway.verdicts.close()
        server.should_exit = True
        await serving
        gateway.canceller.close()
        await bulk
        await gateway.desk.keys.flush()


def sides_of(gateway: Gateway) -> Sequence[Side]:
    """What goes on beside the server."""
    site, desk = gateway.site, gateway.desk
    hurrying = Hurrying(site.reads)
    sides: list[Side] = [
        gateway.ledger.run,
        hurrying.run,
        gateway.outputs.run,
        gateway.roll.run,
        gateway.duties.run,
        desk.keys.note_uses,
    ]
    regions = desk.parts.regions
    if regions is not None:
        sides.append(regions.copies.run)
    if crossings := carried_here(site.settings, desk.dock, regions):
        limit = site.settings.silence_limit_seconds
        sides.append(Turn(site.schemas.url, CARRYING, partial(carry, crossings), limit).run)
    return sides


async def carry(crossings: Sequence[Crossing]) -> None:
    """Between this region and others, as long as the turn is this gateway's."""
    async with asyncio.TaskGroup() as tasks:
        for each in crossings:
            tasks.create_task(each.run(), name=f"{each.source} to {each.target}")
