"""Which executors there are, by what each has said last on the heartbeats' stream.

By the log's clock, as the watchdog reads it: an executor whose lease is over is lost, and shown as
such for a time. Owns nothing that decides; who runs what is in the history.
"""

import asyncio
from typing import Literal, NamedTuple

from pydantic import ValidationError

from events.log import Log
from services.executor.peers import Heartbeat
from services.log_end import end_of
from services.log_following import follow_on
from services.world import World

HEARTBEATS_REREAD = 1000
LOST_SHOWN_SECONDS = 3600.0

State = Literal["alive", "draining", "lost"]


class Enrolled(NamedTuple):
    """An executor, as it was heard of last."""

    said: Heartbeat
    heard_at_us: int

    @property
    def until_us(self) -> int:
        return self.heard_at_us + int(self.said.lease_seconds * 1_000_000)

    def state(self, now_us: int) -> State:
        if self.until_us < now_us:
            return "lost"
        return "draining" if self.said.draining else "alive"


class Roll:
    """One of a process."""

    def __init__(self, heartbeats: Log, world: World) -> None:
        self._heartbeats = heartbeats
        self._world = world
        self._enrolled: dict[str, Enrolled] = {}
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        end = await end_of(self._heartbeats)
        start = {partition: max(offset - HEARTBEATS_REREAD, 0) for partition, offset in end.items()}
        async for records in follow_on(self._heartbeats, start):
            for record in records:
                try:
                    said = Heartbeat.model_validate_json(record.value)
                except ValidationError:
                    continue  # Another release's.
                self._enrolled[said.executor] = Enrolled(said, record.appended_at_us)
                if said.ended:
                    del self._enrolled[said.executor]
            self._forget()
            news, self._news = self._news, asyncio.Event()
            news.set()

    def now_us(self) -> int:
        return int(self._world.now().timestamp() * 1_000_000)

    def all(self) -> list[Enrolled]:
        """By id, so that their order stays."""
        return [self._enrolled[executor] for executor in sorted(self._enrolled)]

    def find(self, executor: str) -> Enrolled | None:
        return self._enrolled.get(executor)

    async def until(self, executor: str, *, draining: bool, timeout_seconds: float) -> bool:
        """Whether it has said so in time; not if it has ended."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while (one := self._enrolled.get(executor)) is not None:
                    if one.said.draining == draining:
                        return True
                    await self._news.wait()
        except TimeoutError:
            return False
        return False

    def _forget(self) -> None:
        long_ago = self.now_us() - int(LOST_SHOWN_SECONDS * 1_000_000)
        for executor, one in list(self._enrolled.items()):
            if one.until_us < long_ago:
                del self._enrolled[executor]
