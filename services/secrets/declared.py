"""Which names are secret for which kind of task: what handlers declare, what the settings add.

A gateway knows the handlers of an executor in its own process; of others it knows what its settings
say. Secrets that are submitted as such are sealed whatever anybody declares.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from services.refusals import Unavailable


class Executing(Protocol):
    """What knows handlers."""

    working: asyncio.Event
    """Set once they are known."""

    def secrets_of(self, kind: str) -> Collection[str]: ...


class Declared:
    """Asked for every submission."""

    def __init__(self, configured: Mapping[str, Collection[str]]) -> None:
        self._configured = configured
        self._executing: Executing | None = None

    def learn_from(self, executing: Executing) -> None:
        """The executor of this process."""
        self._executing = executing

    async def known(self, timeout_seconds: float) -> None:
        """Returns once the handlers are known: a moment after the start, and from then on."""
        executing = self._executing
        if executing is None or executing.working.is_set():
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await executing.working.wait()
        except TimeoutError:
            raise Unavailable("the handlers aren't known yet: try again") from None

    def of(self, kind: str) -> Collection[str]:
        """The names of this kind's secrets."""
        configured = self._configured.get(kind, ())
        if self._executing is None:
            return configured
        declared = self._executing.secrets_of(kind)
        return {*configured, *declared} if configured else declared
