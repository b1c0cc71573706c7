"""The executor's lease: renewed by every heartbeat that the log acknowledges.

It counts from before the heartbeat was sent, so that whoever reads the heartbeats later can only
think it longer, never shorter. The guardian kills when it is over, also when this process is
merely stopped.
"""

import asyncio
from collections.abc import Callable

from events.errors import LogUnavailable
from events.log import Log, Message
from services.executor.peers import Heartbeat

REPEAT_AFTER_SECONDS = 0.5


class Lease:
    """Says heartbeats, and keeps until when this executor may hold runs."""

    def __init__(
        self,
        heartbeats: Log,
        heartbeat: Callable[[], Heartbeat],
        lease_seconds: float,
        per_lease: int,
    ) -> None:
        self.until = 0.0
        """By the event loop's clock."""
        self._log = heartbeats
        self._heartbeat = heartbeat
        self._lease_seconds = lease_seconds
        self._every_seconds = lease_seconds / per_lease

    async def beat(self, *, ended: bool = False) -> None:
        """One heartbeat, repeated until the log has it."""
        while True:
            sent_at = asyncio.get_running_loop().time()
            heartbeat = self._heartbeat().model_copy(update={"ended": ended})
            value = heartbeat.model_dump_json().encode()
            try:
                await self._log.append([Message(heartbeat.executor, value)])
            except LogUnavailable:
                await asyncio.sleep(REPEAT_AFTER_SECONDS)
                continue
            self.until = sent_at + self._lease_seconds
            return

    async def keep(self, renewed: Callable[[float], None]) -> None:
        """Go on beating until cancelled; `renewed` hears of each new end of the lease."""
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.beat()
            renewed(self.until)
