"""`countermand bridge`: between this region and each of the others, both ways."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from events.errors import CountermandError
from services.bridge.crossing import Crossing
from services.bridge.http_dock import HttpDock, open_docks
from services.bridge.own_dock import OwnDock
from services.regions.dock import Dock
from services.regions.regions import Regions
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


def crossings(settings: Settings, docks: Mapping[str, HttpDock]) -> list[Crossing]:
    """Between this region and each other one, both ways."""
    here, chance = settings.region, random.Random()
    return [
        Crossing(source, docks[source], target, docks[target], settings.regions, chance)
        for other in sorted(settings.regions.others)
        for source, target in ((here, other), (other, here))
        if {source, target} <= docks.keys()
    ]


def carried_here(settings: Settings, dock: Dock | None, regions: Regions | None) -> list[Crossing]:
    """The same within a process that has this region's dock, if it is to carry; run each. A region
    whose log is read here, and that has no gateways to call, reads ours."""
    if dock is None or regions is None or not settings.regions.carry:
        return []
    here, own, chance = settings.region, OwnDock(dock), random.Random()
    found = []
    for other in sorted(settings.regions.others):
        leaving = regions.logs.get(other) or regions.docks[other]
        troubled = partial(told, regions.troubles, other)
        found.append(
            Crossing(other, leaving, here, own, settings.regions, chance, troubled=troubled)
        )
        if other in regions.docks:
            there = regions.docks[other]
            troubled = partial(told, regions.leaving_troubles, other)
            found.append(
                Crossing(here, own, other, there, settings.regions, chance, troubled=troubled)
            )
    return found


def told(troubles: dict[str, BaseException], region: str, error: BaseException | None) -> None:
    if error is None:
        troubles.pop(region, None)
    else:
        troubles[region] = error
