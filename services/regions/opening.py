"""The regions part of a gateway, made from its settings."""

from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import structlog

from events.log import Log
from services.bridge.http_dock import open_docks
from services.control_store import ControlStore, region_news
from services.own_words import OwnWords
from services.read_models.models import ReadModels
from services.regions.chained import Chained
from services.regions.copies import Copies
from services.regions.dock import Dock
from services.regions.far_log import FarLog, Source
from services.regions.regions import Regions
from services.regions.settings import LogAddress, RegionSettings
from services.settings import Settings
from services.verdicts import Verdicts
from services.world import World

logger = structlog.get_logger(__name__)


async def open_regions(
    settings: Settings,
    store: ControlStore,
    world: World,
    opened: AsyncExitStack,
    *,
    log: Log,
    words: OwnWords,
    reads: ReadModels,
    verdicts: Verdicts,
) -> tuple[Regions | None, Dock | None]:
    """None where no other region is named. Raises `ReadAnotherWay`."""
    if not settings.regions.others:
        return None, None
    for organization, allowed in settings.regions.organizations.items():
        forgotten = await store.ask(
            partial(
                region_news.forget_all_but,
                organization=organization,
                here=settings.region,
                allowed=allowed,
            )
        )
        if forgotten:
            logger.info("copies forgotten", organization=organization, lines=forgotten)
    for news in await store.look(region_news.all_of_them):
        if news.region in settings.regions.others:
            region_news.check_way(news, settings.regions.others[news.region].way)
    copies = Copies(store, settings.regions, world.now)
    dock = Dock(
        settings.region,
        log=log,
        words=words,
        reads=reads,
        verdicts=verdicts,
        copies=copies,
        settings=settings.regions,
        world=world,
        read_wait_seconds=settings.gateway.read_wait_seconds,
    )
    docks = await open_docks(settings.regions.others, settings.regions.call_seconds, opened)
    logs: dict[str, FarLog] = {}
    for region, other in settings.regions.others.items():
        if other.log is not None:
            logs[region] = far = far_log(region, other.log, copies, settings.regions, world)
            opened.push_async_callback(far.close)
    # What a copy has says nothing about where its log ends.
    asked = {region: far for region, far in logs.items() if not is_copy(settings, region)} | docks
    return Regions(settings.regions, copies, asked, docks, logs), dock


def is_copy(settings: Settings, region: str) -> bool:
    other = settings.regions.others[region].log
    return other is not None and other.is_copy


def far_log(
    region: str, address: LogAddress, copies: Copies, settings: RegionSettings, world: World
) -> FarLog:
    """Loads Kafka's client only when it is read."""
    chained = Chained(region, copies.has_event) if address.is_copy else None

    async def opening() -> Source:
        from services.kafka_log.log import open_kafka_log
        from services.kafka_log.streams import connection_to, limits_of
        from services.kafka_log.topic import Topic

        broker = address.broker
        return await open_kafka_log(
            connection_to(address.kafka, broker),
            Topic(address.name, broker.partitions, foreign=True),
            replace(limits_of(broker), start_seconds=settings.call_seconds),
            create=False,
            look=None if chained is None else chained.look,
        )

    return FarLog(region, opening, copies, settings, world.now, chained)
