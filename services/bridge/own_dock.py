"""The dock of this very process, for whoever carries within it."""

from collections.abc import AsyncGenerator

from pydantic import ValidationError

from events.positions import Frontier
from services.bridge.http_dock import RegionUnreachable
from services.regions.dock import Dock
from services.regions.parcels import opened, sealed


class OwnDock:
    """What an `HttpDock` is over HTTP."""

    def __init__(self, dock: Dock) -> None:
        self._dock = dock

    async def taken(self, source: str) -> Frontier:
        return await self._dock.taken(source)

    async def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        async for parcel in self._dock.parcels(target, start, wait_seconds):
            yield sealed(parcel)

    async def take(self, parcel: bytes) -> None:
        try:
            taken = opened(parcel)
        except ValidationError as error:
            raise RegionUnreachable(f"what came is no parcel: {str(error)[:300]}") from error
        await self._dock.take(taken)
