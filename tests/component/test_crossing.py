"""What a process says of a region while it carries, and once it doesn't any more."""

import asyncio
import random
from collections.abc import AsyncGenerator

from events.positions import BEGINNING, Frontier, Position
from services.bridge.bridge import told
from services.bridge.crossing import Crossing
from services.regions.chained import Gap
from services.regions.settings import RegionSettings

PATIENCE_SECONDS = 20.0


class Torn:
    """Where a copy with a gap is read."""

    def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        raise Gap("a", Position(0, 7), "4711")


class Willing:
    """Where parcels go."""

    async def taken(self, source: str) -> Frontier:
        return BEGINNING

    async def take(self, parcel: bytes) -> None:
        return


async def test_a_process_that_loses_its_turn_says_nothing_more_of_a_gap() -> None:
    troubles: dict[str, BaseException] = {}
    heard = asyncio.Event()

    def hear(error: BaseException | None) -> None:
        told(troubles, "a", error)
        heard.set()

    crossing = Crossing(
        "a", Torn(), "b", Willing(), RegionSettings(), random.Random(0), troubled=hear
    )
    carrying = asyncio.create_task(crossing.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await heard.wait()
        assert isinstance(troubles["a"], Gap)
        assert crossing.trouble is not None

        carrying.cancel()
        await asyncio.wait({carrying})

    assert troubles == {}
    assert crossing.trouble is None
