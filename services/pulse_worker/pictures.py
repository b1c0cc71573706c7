"""What gateways show of the pulse: drawn from the rows that the workers put on the shelf."""

import asyncio
from typing import Any

from projections.moments import us
from projections.pulse.picture import Picture, picture
from services.pulse.settings import PulseSettings
from services.pulse_worker.shelf import Shelf
from services.world import World

Rows = dict[str, list[Any]]


class ShelfPictures:
    """`services.operations.pulse.Pictures`. Whoever asks again soon is shown the same rows."""

    def __init__(self, shelf: Shelf, settings: PulseSettings, world: World) -> None:
        self._shelf = shelf
        self._settings = settings
        self._world = world
        self._read: tuple[float, Rows] | None = None
        self._reading = asyncio.Lock()

    async def of(self, organization: str | None) -> Picture:
        """What one organization may see; None: everybody's, shown to no caller, only counted."""
        rows = await self._rows()
        return picture(
            us(self._world.now()),
            stopping=[
                row for row in rows["stopping"] if organization in (None, row["organization"])
            ],
            slots=[slot for slot in rows["slots"] if organization in (None, slot["group"][0])],
            executors=rows["executors"],
            deadlines=[
                row for row in rows["deadlines"] if organization in (None, row["organization"])
            ],
            margin_us=int(self._settings.overdue_margin_seconds * 1_000_000),
        )

    async def _rows(self) -> Rows:
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if self._read is None or now - self._read[0] > self._settings.picture_age_limit_seconds:
                rows: Rows = {"stopping": [], "slots": [], "deadlines": [], "executors": []}
                for kind, row in await asyncio.to_thread(self._shelf.read):
                    rows[kind].append(row)
                self._read = now, rows
            return self._read[1]
