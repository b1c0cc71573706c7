"""What a ledger has judged and nobody has taken yet: a bounded queue."""

import asyncio
from collections.abc import Mapping, Sequence

from events.positions import Frontier
from events.state import Root
from projections.entry import Entry


class Judged:
    """A listener of one ledger, for one reader."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: list[Entry] = []
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        """Whoever reads knows where it begins."""

    def entered(self, entries: Sequence[Entry]) -> None:
        self._entries += entries
        self._more.set()
        if len(self._entries) >= self._limit:
            self._room.clear()

    async def room(self) -> None:
        await self._room.wait()

    async def next(
        self, limit: int, wait_seconds: float, following: "asyncio.Task[None]"
    ) -> Sequence[Entry]:
        """The next ones; none when none come within this time. Raises why the ledger has ended."""
        more = asyncio.ensure_future(self._more.wait())
        await asyncio.wait(
            {more, following}, timeout=wait_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        more.cancel()
        taken, self._entries = self._entries[:limit], self._entries[limit:]
        if not self._entries:
            self._more.clear()
        if len(self._entries) < self._limit:
            self._room.set()
        if not taken and following.done():
            following.result()
        return taken
