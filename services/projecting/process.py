"""The life of a process that writes the read models of a service's folder, for it.

The service has the other end of its socket: it names the goals, and hears how far the rows have
come. Nothing is opened before the first goal. When that end closes, however it does, this process
ends; of two that write the same rows the second waits for the first.
"""

import asyncio
import fcntl
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import structlog
import uvloop

from events.errors import CountermandError
from events.log import LogReader
from services.embedded_log import open_log_reader
from services.embedded_log.stream import PARTITION
from services.ledger import Ledger
from services.projecting import words
from services.projecting.goal import UpToGoal
from services.projecting.lives import LOCK
from services.read_models.generations import FOLDER, Generations, explained
from services.read_models.models import ReadModels
from services.read_side import open_read_side

RECORDS_AT_ONCE = 500
SWITCH_SECONDS = 0.0005
GARBAGE_OBJECTS = 100_000
SAYS_EVERY_SECONDS = 5.0
"""At least, so that it isn't taken for one that stands still."""
LOOK_EVERY_SECONDS = 0.05
LOOKS_IN_SILENCE = 100

log = structlog.get_logger(__name__)


def live(data: Path, service: socket.socket) -> int:
    """Until the service closes its end; the exit status."""
    # Signals to the whole group are the service's business: it closes the socket when it has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.set_threshold(GARBAGE_OBJECTS, 20, 100)
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(data, service))


async def serve(data: Path, service: socket.socket) -> int:
    reader, writer = await asyncio.open_connection(sock=service, limit=words.LINE_LIMIT_BYTES)
    status = 0
    try:
        goal = await next_goal(reader)
        async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
            history = await open_log_reader(data / "history.sqlite", "history")
            opened.push_async_callback(history.close)
            wanted = UpToGoal(history)
            wanted.move(goal)
            tasks.create_task(obey(reader, wanted))
            tasks.create_task(project(data, history, wanted, writer))
    except* CountermandError as errors:
        status = 1
        if not writer.is_closing():
            writer.write(words.said(**{words.TROUBLE: str(first_of(errors))}))
            with suppress(ConnectionError):
                await writer.drain()
    except* (ConnectionError, ServiceGone):
        """It was killed, or closed its end."""
    return status


async def next_goal(reader: asyncio.StreamReader) -> int:
    line = await reader.readline()
    if not line:
        raise ServiceGone
    return int(words.heard(line)[words.GOAL])


async def obey(reader: asyncio.StreamReader, wanted: UpToGoal) -> None:
    """Until the service closes its end."""
    while True:
        wanted.move(await next_goal(reader))


async def project(
    data: Path, history: LogReader, wanted: UpToGoal, writer: asyncio.StreamWriter
) -> None:
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(the_only_one(data / FOLDER))
        side = await open_read_side(data, history, Told(data / FOLDER, writer))
        opened.push_async_callback(side.close)
        ledger = Ledger(wanted, side.models, [side.projector], batch_records=RECORDS_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(side.projector.run())
            tasks.create_task(ledger.run())
            tasks.create_task(tell(side.models, writer))


async def tell(models: ReadModels, writer: asyncio.StreamWriter) -> None:
    """How far the rows have come, whenever they have; and that this process is there."""
    told = models.frontier()
    while not writer.is_closing():
        writer.write(words.said(**{words.REACHED: told.get(PARTITION, 0)}))
        await writer.drain()
        told = await models.moved(told, SAYS_EVERY_SECONDS)
    raise ServiceGone


class Told(Generations):
    """The service goes over to the generation that took over, before it removes the others."""

    def __init__(self, folder: Path, writer: asyncio.StreamWriter) -> None:
        super().__init__(folder)
        self._loop = asyncio.get_running_loop()
        self._writer = writer

    def remove_before(self, number: int) -> None:
        """Called by a thread."""
        self._loop.call_soon_threadsafe(
            self._writer.write, words.said(**{words.GENERATION: number})
        )


class ServiceGone(Exception):
    """Nobody waits for the rows any more."""


@asynccontextmanager
async def the_only_one(folder: Path) -> AsyncIterator[None]:
    """Behind one whose service was killed, and that hasn't noticed yet."""
    with explained(folder):
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        looks = 0
        while not taken(lock):
            looks += 1
            if looks == LOOKS_IN_SILENCE:
                log.warning("another projector still writes these rows", folder=str(folder))
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def first_of(errors: BaseExceptionGroup[CountermandError]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
