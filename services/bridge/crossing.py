"""One way from one region to another: whatever leaves the one is handed to the other, unopened.

Where to begin is asked of the target, at first and whenever it isn't known for sure. So a bridge
that is killed, doubled, or late does nothing twice.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

import structlog

from events.errors import CountermandError
from events.positions import Frontier
from services.refusals import Conflict
from services.regions.dock import CARRIED_ELSEWISE
from services.regions.settings import RegionSettings

WHY_LIMIT_CHARACTERS = 300

log = structlog.get_logger(__name__)


class Leaving(Protocol):
    """Where parcels come from."""

    def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """One behind the other, sealed, as soon as there is something in it; an empty one whenever
        nothing was said for so long."""
        ...


class ComingIn(Protocol):
    """Where they go."""

    async def taken(self, source: str) -> Frontier: ...

    async def take(self, parcel: bytes) -> None:
        """Its requests are durable when it returns."""
        ...


class Crossing:
    """`run` it until it is cancelled."""

    def __init__(
        self,
        source: str,
        leaving: Leaving,
        target: str,
        coming_in: ComingIn,
        settings: RegionSettings,
        chance: random.Random,
        troubled: Callable[[BaseException | None], None] = lambda error: None,
    ) -> None:
        """`troubled` hears why nothing is carried, and None when all is well again, or when it is
        somebody else's turn to carry."""
        self.source = source
        self.target = target
        self.trouble: str | None = None
        """Why nothing is carried now; None: all is well."""
        self._leaving = leaving
        self._coming_in = coming_in
        self._settings = settings
        self._chance = chance
        self._troubled = troubled

    async def run(self) -> None:
        """A failure is waited out, longer after each further one; bridges don't all come back at
        the same moment."""
        try:
            await self._carry_on()
        finally:
            # Whoever goes on knows better.
            self.trouble = None
            self._troubled(None)

    async def _carry_on(self) -> None:
        failures = 0
        while True:
            pause_seconds = self._settings.pause_seconds
            try:
                async with aclosing(self._carried()) as carried:
                    async for _ in carried:
                        failures = 0
                        self._well()
            except Conflict as error:
                if error.reason not in CARRIED_ELSEWISE:
                    self._unwell(error)
                    pause_seconds = self._pause_seconds(failures)
                    failures += 1
            except (CountermandError, OSError, TimeoutError) as error:
                self._unwell(error)
                pause_seconds = self._pause_seconds(failures)
                failures += 1
            await asyncio.sleep(pause_seconds * self._chance.uniform(0.5, 1.0))

    async def _carried(self) -> AsyncGenerator[None, None]:
        """Ends when whoever sends is about to stop."""
        start = await self._coming_in.taken(self.source)
        wait_seconds = self._settings.parcel_wait_seconds
        async with aclosing(self._leaving.parcels(self.target, start, wait_seconds)) as parcels:
            async for parcel in parcels:
                await self._coming_in.take(parcel)
                yield

    def _pause_seconds(self, failures: int) -> float:
        doubled = self._settings.pause_seconds * 2.0 ** min(failures, 30)
        return min(doubled, self._settings.pause_limit_seconds)

    def _well(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._troubled(None)
            log.info("carrying again", source=self.source, target=self.target)

    def _unwell(self, error: BaseException) -> None:
        why = why_of(error)
        if self.trouble != why:
            self.trouble = why
            self._troubled(error)
            log.warning("nothing is carried", source=self.source, target=self.target, why=why)


def why_of(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:WHY_LIMIT_CHARACTERS]
