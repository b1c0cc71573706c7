"""Opening the embedded log: for its one writing process, for readers beside it, or in memory."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from eventsourcing.persistence import ApplicationRecorder

from services.embedded_log.limits import Limits
from services.embedded_log.log import EmbeddedLog, EmbeddedLogReader
from services.embedded_log.sqlite_file import SQLiteFile
from services.embedded_log.stream import Stream
from services.embedded_log.writer import Writer
from services.embedded_log.writer_lock import WriterLock


async def open_log(
    path: Path, name: str, now_us: Callable[[], int], limits: Limits | None = None
) -> EmbeddedLog:
    """The stream in this file, made if it isn't there. Raises `LogInUse` while somebody writes it.

    The clock is called by the event loop or by the writer's thread, whoever commits.
    """
    limits = limits or Limits()
    lock, writer, stream = await asyncio.to_thread(_opened, path, name, now_us, limits)
    return EmbeddedLog(writer, stream, limits, in_thread=True, given_back=lock.close)


async def open_log_reader(path: Path, name: str, limits: Limits | None = None) -> EmbeddedLogReader:
    """The stream in this file, which another process may be writing."""
    stream = await asyncio.to_thread(SQLiteFile, path, name, "ro")
    return EmbeddedLogReader(stream, limits or Limits())


def memory_log(
    recorder: ApplicationRecorder,
    name: str,
    now_us: Callable[[], int],
    limits: Limits | None = None,
) -> EmbeddedLog:
    """A stream that lives as long as its `POPOApplicationRecorder()`, and has no thread."""
    limits = limits or Limits()
    where = f"the {name} log in memory"
    writer = Writer(partial(Stream, recorder, name, where), now_us, limits.commit_limit_messages)
    return EmbeddedLog(writer, Stream(recorder, name, where), limits, in_thread=False)


def _opened(
    path: Path, name: str, now_us: Callable[[], int], limits: Limits
) -> tuple[WriterLock, Writer, Stream]:
    lock = WriterLock(path)
    try:
        writer = Writer(
            partial(SQLiteFile, path, name, "rwc"), now_us, limits.commit_limit_messages
        )
        try:
            return lock, writer, SQLiteFile(path, name, "ro")
        except BaseException:
            writer.close()
            raise
    except BaseException:
        lock.close()
        raise
