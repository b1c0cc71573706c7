"""The regions part of a gateway, made from its settings."""

from contextlib import AsyncExitStack
from functools import partial

import structlog

from events.log import Log
from services.bridge.http_dock import open_docks
from services.control_store import ControlStore, region_news
from services.own_words import OwnWords
from services.read_models.models import ReadModels
from services.regions.copies import Copies
from services.regions.dock import Dock
from services.regions.regions import Regions
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
    """None where no other region is named."""
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
    asked = await open_docks(settings.regions.others, settings.regions.call_seconds, opened)
    return Regions(settings.regions, copies, asked), dock
