"""The simulated log: streams that keep everything, and the port as one node sees it.

It gives what `events.log` promises and not more: an append may fail after it was stored, before, or
in part; followers hear late, in batches of any size, and of things they have heard before.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from zlib import crc32

from events.errors import LogUnavailable
from events.log import Message, Record
from events.positions import Frontier, Position
from tests.simulation.faults import Fate, Faults
from tests.simulation.node import Node
from tests.simulation.schedule import Schedule

TIMEOUT_SECONDS = 2.0
LATE_SECONDS = 6.0


class Stream:
    """What is stored, for everybody."""

    def __init__(
        self,
        name: str,
        partitions: int,
        schedule: Schedule,
        faults: Faults,
        stored: Callable[[Record], None],
    ) -> None:
        self.name = name
        self.partitions: list[list[Record]] = [[] for _ in range(partitions)]
        self.schedule = schedule
        self.faults = faults
        self.away = False
        """Nobody can reach it now."""
        self._stored = stored
        self._followers: list[Follower] = []

    def store(self, messages: Sequence[Message]) -> list[Position]:
        positions = []
        for message in messages:
            number = crc32(message.key.encode()) % len(self.partitions)
            partition = self.partitions[number]
            position = Position(number, len(partition))
            now_us = int(self.schedule.now * 1e6)
            record = Record(position, message.value, now_us)
            partition.append(record)
            positions.append(position)
            self._stored(record)
        for follower in self._followers:
            follower.poke()
        return positions

    def end(self) -> dict[int, int]:
        return {number: len(records) for number, records in enumerate(self.partitions)}

    def is_back(self) -> None:
        self.away = False
        for follower in self._followers:
            follower.poke()

    def deafen(self, seconds: float) -> str:
        """One of the followers hears nothing for so long; its name."""
        followers = [each for each in self._followers if not each.gone]
        if not followers:
            return "nobody"
        follower = self.faults.random.choice(followers)
        follower.deaf_until = self.schedule.now + seconds
        self.schedule.after(seconds + 0.001, follower.poke)
        return follower.name

    def joined_by(self, follower: "Follower") -> None:
        self._followers = [each for each in self._followers if not each.gone]
        self._followers.append(follower)


class Follower:
    """Somebody who reads on, and is woken when there is more: soon, or late."""

    def __init__(self, stream: Stream, node: Node, start: Frontier) -> None:
        self.cursor = {number: start.get(number, 0) for number in range(len(stream.partitions))}
        self.news = asyncio.Event()
        self.closed = False
        self.deaf_until = 0.0
        self.name = node.name
        self._stream = stream
        self._node = node
        self._poked = False

    @property
    def gone(self) -> bool:
        return self.closed or self._node.dead

    def poke(self) -> None:
        if not self._poked and not self.gone:
            self._poked = True
            self._node.post_after(self._stream.faults.latency_seconds(), self._wake)

    def _wake(self) -> None:
        self._poked = False
        self.news.set()

    def batch(self, limit: int) -> list[Record]:
        """Some of what is next, perhaps beginning with what was there before."""
        faults, random = self._stream.faults, self._stream.faults.random
        behind = [
            number
            for number, records in enumerate(self._stream.partitions)
            if self.cursor[number] < len(records)
        ]
        deaf = self.deaf_until > self._stream.schedule.now and not faults.calm
        if not behind or deaf or self._stream.away:
            return []
        number = random.choice(behind)
        start = self.cursor[number]
        size = limit if faults.calm else random.choice((1, 2, 5, limit))
        end = min(start + size, len(self._stream.partitions[number]))
        self.cursor[number] = end
        if start and faults.chance(faults.repeats):
            start = max(0, start - random.randint(1, 4))
        return self._stream.partitions[number][start:end]


class NodeLog:
    """`events.log.Log`, as one node has it."""

    def __init__(self, stream: Stream, node: Node) -> None:
        self._stream = stream
        self._node = node

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        stream, faults = self._stream, self._stream.faults
        answer: asyncio.Future[Sequence[Position]] = self._node.loop.create_future()
        fate = Fate.LOST if stream.away else faults.fate()
        there, back = faults.latency_seconds(), faults.latency_seconds()
        after = stream.schedule.after
        match fate:
            case Fate.STORED:
                after(there, self._store, messages, answer, back)
            case Fate.LOST:
                self._node.post_after(TIMEOUT_SECONDS, fail, answer)
            case Fate.ANSWER_LOST:
                after(there, stream.store, messages)
                self._node.post_after(TIMEOUT_SECONDS, fail, answer)
            case Fate.STORED_IN_PART:
                part = [each for each in messages if faults.random.random() < 0.5]
                after(there, stream.store, part)
                self._node.post_after(there + back, fail, answer)
            case Fate.STORED_LATE:
                late = TIMEOUT_SECONDS + faults.random.uniform(0.0, LATE_SECONDS)
                after(late, stream.store, messages)
                self._node.post_after(TIMEOUT_SECONDS, fail, answer)
        return await answer

    def _store(
        self,
        messages: Sequence[Message],
        answer: "asyncio.Future[Sequence[Position]]",
        back: float,
    ) -> None:
        if self._stream.away:
            self._node.post_after(TIMEOUT_SECONDS, fail, answer)
        else:
            positions = self._stream.store(messages)
            self._node.post_after(back, succeed, answer, positions)

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        await asyncio.sleep(self._stream.faults.latency_seconds())
        follower = Follower(self._stream, self._node, start)
        return follower.batch(limit)

    async def end(self) -> Frontier:
        await asyncio.sleep(self._stream.faults.latency_seconds())
        if self._stream.away:
            raise LogUnavailable("the simulated log is away")
        end = self._stream.end()
        await asyncio.sleep(self._stream.faults.latency_seconds())
        return end

    async def follow(
        self, start: Frontier, limit: int = 1000
    ) -> AsyncGenerator[Sequence[Record], None]:
        follower = Follower(self._stream, self._node, start)
        self._stream.joined_by(follower)
        try:
            follower.poke()
            while True:
                records = follower.batch(limit)
                if records:
                    yield records
                else:
                    follower.news.clear()
                    await follower.news.wait()
                    await asyncio.sleep(self._stream.faults.latency_seconds())
        finally:
            follower.closed = True

    async def close(self) -> None:
        """Nothing to give back."""


def succeed(answer: "asyncio.Future[Sequence[Position]]", positions: Sequence[Position]) -> None:
    if not answer.done():
        answer.set_result(positions)


def fail(answer: "asyncio.Future[Sequence[Position]]") -> None:
    if not answer.done():
        answer.set_exception(LogUnavailable("the simulated log's answer was lost"))
