"""Opening embedded logs in tests, and what is put into them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from events.log import LogReader, Message, Record
from events.positions import BEGINNING, Frontier, Position, after
from services.embedded_log import (
    EmbeddedLog,
    EmbeddedLogReader,
    Limits,
    open_log,
    open_log_reader,
)

PATIENCE_SECONDS = 60
KILOBYTE = b"x" * 1000


def now_us() -> int:
    return time.time_ns() // 1000


@asynccontextmanager
async def the_log(
    path: Path, clock: Callable[[], int] = now_us, limits: Limits | None = None
) -> AsyncIterator[EmbeddedLog]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        log = await open_log(path, "history", clock, limits)
        try:
            yield log
        finally:
            await log.close()


@asynccontextmanager
async def a_reader(path: Path) -> AsyncIterator[EmbeddedLogReader]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        log = await open_log_reader(path, "history")
        try:
            yield log
        finally:
            await log.close()


async def a_closed_log(path: Path, count: int) -> None:
    """A file with so many records, which nobody has open."""
    async with the_log(path) as log:
        await append(log, some(count))


def some(count: int, start: int = 0) -> list[bytes]:
    """Values that tell their number, a kilobyte each."""
    return [b"%d " % number + KILOBYTE for number in range(start, start + count)]


async def append(log: EmbeddedLog, values: list[bytes]) -> list[Position]:
    return list(await log.append([Message("acme/a", value) for value in values]))


async def everything(log: LogReader) -> list[Record]:
    records: list[Record] = []
    frontier: Frontier = BEGINNING
    while batch := await log.read(frontier, 100):
        records += batch
        frontier = after(frontier, [record.position for record in batch])
    return records


async def values(log: LogReader) -> list[bytes]:
    return [record.value for record in await everything(log)]
