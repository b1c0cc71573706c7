"""Those who append to a log on and on, and who follow it, whatever becomes of its brokers."""

import asyncio
from contextlib import aclosing

from events.errors import LogUnavailable
from events.log import Message
from events.positions import BEGINNING, Position
from services.kafka_log.log import KafkaLog

PATIENCE_SECONDS = 100


class Appends:
    """Callers that append on and on, each under its own key, and repeat what is unknown."""

    def __init__(self, log: KafkaLog) -> None:
        self._log = log
        self.stop = asyncio.Event()
        self.acknowledged: dict[Position, bytes] = {}
        self._wanted = 0
        self._reached = asyncio.Event()

    async def caller(self, key: str) -> None:
        number = 0
        while not self.stop.is_set():
            value = f"{key}#{number}".encode()
            try:
                [position] = await self._log.append([Message(key, value)])
            except LogUnavailable:
                continue
            self.acknowledged[position] = value
            number += 1
            if len(self.acknowledged) >= self._wanted:
                self._reached.set()

    async def more(self, appends: int) -> None:
        """Wait until so many more are acknowledged."""
        self._wanted = len(self.acknowledged) + appends
        self._reached.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reached.wait()


async def follow(log: KafkaLog, until: asyncio.Event) -> dict[Position, bytes]:
    """Everything there is, each record once and in order, up to the log's end after `until`."""
    found: dict[Position, bytes] = {}
    frontier = dict.fromkeys(await log.end(), 0)
    async with aclosing(log.follow(BEGINNING)) as following:
        while not (until.is_set() and frontier == await log.end()):
            async with asyncio.timeout(PATIENCE_SECONDS):
                batch = await anext(following)
            for record in batch:
                partition, offset = record.position
                assert offset == frontier[partition]
                frontier[partition] += 1
                found[record.position] = record.value
    return found
