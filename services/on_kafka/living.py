"""How a process with several tasks lives and ends: together, and at a word."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from services.health import health_server
from services.ledger import Ledger, stands_still
from services.settings import HealthSettings

START_SECONDS = 60.0
Side = Callable[[], Coroutine[Any, Any, None]]


def why_unready(ledger: Ledger) -> str | None:
    """What keeps a service from its work; None when nothing does."""
    if not ledger.ready.is_set():
        return "starting"
    return stands_still(ledger.stopped) if ledger.stopped else None


@asynccontextmanager
async def beside(*sides: Side) -> AsyncIterator[asyncio.TaskGroup]:
    """Runs these as long as the block; one that fails takes the process with it."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(side(), name=side.__qualname__) for side in sides]
        try:
            yield tasks
        finally:
            for each in running:
                each.cancel()


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
