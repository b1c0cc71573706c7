"""The engine that an executor has: opened under a lease, and anew when its guardian is gone."""

import asyncio

from events.errors import CountermandError
from services.executor.abilities import Abilities
from services.executor.engine import Engine, Engines
from services.executor.lease import Lease


class PredecessorLives(CountermandError):
    """The guardian of an earlier executor in this folder hasn't finished."""

    def __init__(self) -> None:
        super().__init__(
            "processes of an earlier executor still hold the lock in this folder: they are killed "
            "when their lease is over; start again then, or give this executor a folder of its own"
        )


class GuardedEngine:
    """Of one executor; one at a time."""

    def __init__(self, engines: Engines, lease: Lease, abilities: Abilities) -> None:
        self.engine: Engine | None = None
        self.fit = asyncio.Event()
        """Set while a guardian lives and the lease holds."""
        self._engines = engines
        self._lease = lease
        self._abilities = abilities

    async def open(self) -> None:
        """A lease, an engine, and a heartbeat that says what it can run."""
        while True:
            if not await self._engines.predecessor_gone():
                raise PredecessorLives
            await self._lease.beat()
            try:
                self.engine = await self._engines.open(self._lease.until)
                self._abilities.of(self.engine)
            except CountermandError:
                if asyncio.get_running_loop().time() < self._lease.until:
                    raise
                continue  # This process was stopped meanwhile, and its lease ended.
            await self._lease.beat()
            self.engine.renew(self._lease.until)
            self.fit.set()
            return

    def renew(self, until: float) -> None:
        if self.engine is not None:
            self.engine.renew(until)

    async def ending(self) -> None:
        """Returns when the guardian goes, and nothing new can be run.

        Not only when it is gone: its runs may be gone, and released, before that is known.
        """
        assert self.engine is not None
        await asyncio.shield(self.engine.ending)
        self.fit.clear()

    async def close(self) -> None:
        if self.engine is not None:
            await self.engine.close()
