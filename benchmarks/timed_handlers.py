"""Handlers that write down when they were stopped, by the clock that all processes share."""

import asyncio
import os
import time
from pathlib import Path

from countermand.handlers import TaskContext, handler


@handler("timed")
async def timed(ctx: TaskContext, payload: dict[str, str]) -> None:
    """A line when it begins, if that is asked for, and one when it is stopped."""
    if payload.get("says_when_it_begins"):
        write(payload["file"], "begun")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        write(payload["file"], str(time.monotonic_ns()))
        raise


def write(file: str, line: str) -> None:
    fd = os.open(Path(file), os.O_WRONLY | os.O_APPEND)
    os.write(fd, f"{line}\n".encode())
    os.close(fd)
