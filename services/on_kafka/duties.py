"""What one gateway does for all of them: it sends webhooks, and shows what is counted once.

Counters of stops, spans of their phases and the picture of the pulse are about the whole service:
were every gateway to show them, their sum would be wrong.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy import URL

from events.positions import Frontier
from events.state import Root
from projections.entry import Entry
from projections.pulse.picture import Picture
from services.control_store import ControlStore
from services.on_kafka.site import Site
from services.on_kafka.stops import Stops
from services.on_kafka.turn import Turn
from services.pulse_worker.pictures import ShelfPictures
from services.pulse_worker.shelf import Shelf
from services.read_models.errors import ReadModelsUnavailable
from services.telemetry.telemetry import Telemetry
from services.webhooks.making import new_webhooks
from services.webhooks.webhooks import Webhooks

GATEWAYS = 1
PICTURE_EVERY_SECONDS = 5.0
AGAIN_AFTER_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Duties:
    """A listener of the ledger; `run` it beside."""

    def __init__(
        self,
        database: URL,
        new_webhooks: Callable[[], Webhooks],
        pictures: ShelfPictures,
        telemetry: Telemetry,
        silence_limit_seconds: float,
    ) -> None:
        """`new_webhooks`: those of one turn; they end with it."""
        self._turn = Turn(database, GATEWAYS, self._do, silence_limit_seconds)
        self._stops = Stops(lambda: self._turn.mine)
        self._new_webhooks = new_webhooks
        self.pictures = pictures
        self._telemetry = telemetry
        self._webhooks: Webhooks | None = None
        self._judged: dict[int, int] = {}
        self._picture: Picture | None = None
        telemetry.follow(self._stops)

    # What the ledger tells

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._judged = dict(frontier)
        self._stops.recalled(roots, frontier)

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._judged[entry.record.position.partition] = entry.record.position.offset + 1
        self._stops.entered(entries)
        if self._webhooks is not None:
            self._webhooks.entered(entries)

    async def room(self) -> None:
        await self._stops.room()

    # Its life

    def webhooks_changed(self) -> None:
        """Endpoints were changed here; where another gateway sends, it looks by itself."""
        if self._webhooks is not None:
            self._webhooks.changed()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stops.run())
            tasks.create_task(self._turn.run())

    async def _do(self) -> None:
        """As long as the turn is ours."""
        log.info("sends webhooks and counts stops")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send())
                tasks.create_task(self._draw())
        finally:
            self._show(None)

    async def _send(self) -> None:
        while True:
            self._webhooks = webhooks = self._new_webhooks()
            self._telemetry.sources.webhooks = webhooks
            webhooks.recalled({}, self._judged)
            try:
                await webhooks.run()
            except* sa.exc.IntegrityError as errors:
                # Whoever had the turn before has queued the same meanwhile: look what is there.
                log.warning("webhooks begin anew", why=str(errors.exceptions[0]))
                await asyncio.sleep(AGAIN_AFTER_SECONDS)
            finally:
                self._webhooks = None
                self._telemetry.sources.webhooks = None

    async def _draw(self) -> None:
        while True:
            try:
                self._show(await self.pictures.of(None))
            except ReadModelsUnavailable as error:
                log.warning("the pulse can't be read", why=str(error))
            await asyncio.sleep(PICTURE_EVERY_SECONDS)

    def _show(self, picture: Picture | None) -> None:
        self._telemetry.sources.picture = None if picture is None else lambda: picture


async def open_duties(
    site: Site, store: ControlStore, telemetry: Telemetry, opened: AsyncExitStack
) -> Duties:
    return Duties(
        site.schemas.url,
        partial(new_webhooks, store, site.reads, site.settings.webhooks, site.world),
        await open_pictures(site, opened),
        telemetry,
        site.settings.silence_limit_seconds,
    )


async def open_pictures(site: Site, opened: AsyncExitStack) -> ShelfPictures:
    shelf = Shelf(site.schemas.url)
    opened.callback(shelf.close)
    await asyncio.to_thread(shelf.open)
    return ShelfPictures(shelf, site.settings.pulse, site.world)
