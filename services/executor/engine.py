"""What has this executor's runs run: a guardian, and the runtimes whose processes it guards.

When an engine has closed, by itself or because its lease was over, nothing of it is alive, and
another one may be opened.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from events.errors import CountermandError
from services.executor.guardian.client import CannotGuard, Guardian, wait_until_gone
from services.executor.runtime import Runtime
from services.executor.runtimes.commands import Commands
from services.executor.runtimes.handlers import Handlers
from services.executor.runtimes.remote.runtime import Remote
from services.executor.settings import ExecutorSettings

PREDECESSOR_SECONDS = 30.0


class EngineUnavailable(CountermandError):
    """There is no guardian here, hence nothing can be run."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no guardian can be started: {why}")


class Engine(Protocol):
    """Runtimes under one guardian."""

    @property
    def runtimes(self) -> Sequence[Runtime]: ...

    @property
    def ending(self) -> "asyncio.Future[None]":
        """Resolved at the first sign that the guardian goes, for whatever reason."""
        ...

    def renew(self, until: float) -> None:
        """The lease now lasts until then, by the event loop's clock."""
        ...

    async def close(self) -> None:
        """Kill what is left, and return when it is gone. May be called twice."""
        ...


class Engines(Protocol):
    """Where engines come from."""

    async def predecessor_gone(self) -> bool:
        """Waits, within bounds, until nothing that an earlier engine ran here is alive."""
        ...

    async def open(self, lease_until: float) -> Engine: ...


class LocalEngine:
    """Hosts and commands on this machine."""

    def __init__(self, guardian: Guardian, settings: ExecutorSettings) -> None:
        self.runtimes: Sequence[Runtime] = (
            Handlers(guardian, settings),
            Commands(guardian, settings),
            Remote(settings),
        )
        self._guardian = guardian
        self._settings = settings

    @property
    def ending(self) -> "asyncio.Future[None]":
        return self._guardian.ending

    def renew(self, until: float) -> None:
        self._guardian.renew(until)

    async def close(self) -> None:
        for runtime in self.runtimes:
            await runtime.close()
        await self._guardian.close(self._settings.confirm_seconds)


class LocalEngines:
    """Engines in one folder, one at a time: a lock there is held as long as anything lives."""

    def __init__(self, folder: Path, settings: ExecutorSettings) -> None:
        self._lock = folder / "executor.lock"
        self._settings = settings

    async def predecessor_gone(self) -> bool:
        return await wait_until_gone(self._lock, PREDECESSOR_SECONDS)

    async def open(self, lease_until: float) -> LocalEngine:
        try:
            guardian = await Guardian.start(self._lock, lease_until)
        except CannotGuard as error:
            raise EngineUnavailable(str(error)) from error
        engine = LocalEngine(guardian, self._settings)
        try:
            for runtime in engine.runtimes:
                await runtime.open()
        except BaseException:
            await engine.close()
            raise
        return engine
