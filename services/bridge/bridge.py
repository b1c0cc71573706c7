"""`countermand bridge`: between this region and each of the others, both ways."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from events.errors import CountermandError
from services.bridge.crossing import Crossing
from services.bridge.http_dock import HttpDock, open_docks
from services.bridge.own_dock import OwnDock
from services.regions.dock import Dock
from services.settings import Settings


class NothingToBridge(CountermandError):
    """The settings name no regions to carry between."""

    def __init__(self) -> None:
        super().__init__(
            "a bridge needs to know this region's gateways and those of the others: set "
            "regions.here and regions.others, each with url and key (see docs/regions.md)"
        )


async def serve(
    settings: Settings, stopping: asyncio.Event, started: Callable[[str], None]
) -> None:
    """Until `stopping` is set."""
    here = settings.regions.here
    if here is None or not settings.regions.others:
        raise NothingToBridge
    async with AsyncExitStack() as opened:
        addresses = {settings.region: here, **settings.regions.others}
        docks = await open_docks(addresses, settings.regions.call_seconds, opened)
        async with asyncio.TaskGroup() as tasks:
            carrying = [
                tasks.create_task(crossing.run(), name=f"{crossing.source} to {crossing.target}")
                for crossing in crossings(settings, docks)
            ]
            started(", ".join(task.get_name() for task in carrying))
            await stopping.wait()
            for task in carrying:
                task.cancel()


def crossings(settings: Settings, docks: Mapping[str, HttpDock | OwnDock]) -> list[Crossing]:
    """Between this region and each other one, both ways. Its own dock needn't be called over HTTP
    by whoever has it."""
    here, chance = settings.region, random.Random()
    return [
        Crossing(source, docks[source], target, docks[target], settings.regions, chance)
        for other in sorted(settings.regions.others)
        for source, target in ((here, other), (other, here))
    ]


async def carried_here(
    settings: Settings, dock: Dock | None, opened: AsyncExitStack
) -> list[Crossing]:
    """The same within the process that has this region's dock, if it is to carry; run each."""
    known = settings.regions
    if dock is None or not known.carry:
        return []
    docks = await open_docks(known.others, known.call_seconds, opened)
    return crossings(settings, {**docks, settings.region: OwnDock(dock)})
