"""The way from one region to another: late, lossy, cut in one direction or both."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

from events.errors import CountermandError
from events.positions import Frontier, read_frontier
from services.bridge.http_dock import RegionUnreachable
from services.regions.dock import Dock
from services.regions.parcels import Parcel, opened, sealed
from tests.simulation.faults import Faults
from tests.simulation.node import Node

Answer = TypeVar("Answer")

TIMEOUT_SECONDS = 4.0


class Gateway(Protocol):
    """Who is called: a region's gateway, if it lives."""

    name: str
    node: Node | None
    dock: Dock | None


class Links:
    """Between all regions."""

    def __init__(self, faults: Faults, source: random.Random, losses: float) -> None:
        self.cut: set[tuple[str, str]] = set()
        """Directions in which nothing gets through."""
        self._faults = faults
        self._random = source
        self._losses = losses

    def gets_through(self, start: str, end: str) -> bool:
        if self._faults.calm:
            return True
        return (start, end) not in self.cut and self._random.random() >= self._losses

    async def call(
        self,
        caller: Node,
        caller_region: str,
        gateway: Gateway,
        asked: Callable[[Dock], Coroutine[Any, Any, Answer]],
    ) -> Answer:
        """The answer, or `RegionUnreachable` after a while; then it may have been done or not."""
        answer: asyncio.Future[Answer] = caller.loop.create_future()
        node, dock = gateway.node, gateway.dock
        if self.gets_through(caller_region, gateway.name) and node is not None and dock is not None:

            def begin() -> None:
                task = node.loop.create_task(asked(dock))
                task.add_done_callback(done)

            def done(task: "asyncio.Task[Answer]") -> None:
                if task.cancelled() or not self.gets_through(gateway.name, caller_region):
                    task.cancelled() or task.exception()
                elif (error := task.exception()) is not None:
                    caller.post_after(self._faults.latency_seconds(), fail, answer, error)
                else:
                    caller.post_after(self._faults.latency_seconds(), succeed, answer, task)

            node.post_after(self._faults.latency_seconds(), begin)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await answer
        except TimeoutError:
            raise RegionUnreachable(f"region {gateway.name!r} didn't answer") from None


def succeed(answer: "asyncio.Future[Answer]", task: "asyncio.Task[Answer]") -> None:
    if not answer.done():
        answer.set_result(task.result())


def fail(answer: "asyncio.Future[Answer]", error: BaseException) -> None:
    assert isinstance(error, CountermandError), error
    if not answer.done():
        answer.set_exception(error)


async def leaving(dock: Dock, target: str, start: Frontier, wait_seconds: float) -> Parcel:
    return await dock.parcel(target, start, wait_seconds)


class FarDock:
    """A region's dock, as a bridge in another one has it: parcels go as text."""

    def __init__(self, links: Links, caller: Node, caller_region: str, gateway: Gateway) -> None:
        self._links = links
        self._caller = caller
        self._caller_region = caller_region
        self._gateway = gateway

    async def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """A stream: what breaks it ends it, and a piece that was lost with it isn't sent again."""
        while True:
            asked = partial(leaving, target=target, start=start, wait_seconds=wait_seconds)
            parcel = await self._ask(asked)
            yield sealed(parcel)
            start = read_frontier(parcel.end)

    async def taken(self, source: str) -> Frontier:
        return await self._ask(lambda dock: dock.taken(source))

    async def take(self, parcel: bytes) -> None:
        await self._ask(lambda dock: dock.take(opened(parcel)))

    async def _ask(self, asked: Callable[[Dock], Coroutine[Any, Any, Answer]]) -> Answer:
        return await self._links.call(self._caller, self._caller_region, self._gateway, asked)
