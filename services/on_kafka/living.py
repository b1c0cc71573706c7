"""How a process with several tasks lives and ends: together, and at a word."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from events.errors import CountermandError
from services.health import health_server
from services.ledger import Ledger, stands_still
from services.settings import HealthSettings

START_SECONDS = 60.0
Side = Callable[[], Coroutine[Any, Any, None]]


class SideEnded(CountermandError):
    """A part of a service that lasts as long as the service doesn't."""

    def __init__(self, side: str) -> None:
        super().__init__(f"{side} has ended by itself: start the service again, and report this")


def why_unready(ledger: Ledger) -> str | None:
    """What keeps a service from its work; None when nothing does."""
    if not ledger.ready.is_set():
        return "starting"
    return stands_still(ledger.stopped) if ledger.stopped else None


@asynccontextmanager
async def beside(*sides: Side) -> AsyncIterator[asyncio.TaskGroup]:
    """Runs these as long as the block; one that ends before takes the process with it."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(for_good(side), name=side.__qualname__) for side in sides]
        try:
            yield tasks
        finally:
            for each in running:
                each.cancel()


async def for_good(side: Side) -> None:
    """Until this task is cancelled. A side that was only told so by somebody else has ended, too:
    a task group would take that for a peaceful end, and the service limp on."""
    try:
        await side()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
    raise SideEnded(side.__qualname__)


@asynccontextmanager
async def answering(
    settings: HealthSettings, unready: Callable[[], str | None], tasks: asyncio.TaskGroup
) -> AsyncIterator[None]:
    """Says how the service is, where the settings want it."""
    if settings.port is None:
        yield
        return
    server = health_server(settings.host, settings.port, settings.connections_limit, unready)
    serving = tasks.create_task(server.serve(), name="health")
    await server.until_listening(START_SECONDS)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def first_of(wanted: asyncio.Event, stopping: asyncio.Event) -> bool:
    """Whether what is wanted came before the end."""
    waiting = [asyncio.ensure_future(each.wait()) for each in (wanted, stopping)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return wanted.is_set() and not stopping.is_set()
