"""A handler of which two runs at once, wherever they are, leave a trace."""

import asyncio
import fcntl
import os
from dataclasses import dataclass

from countermand.handlers import TaskContext, handler


@dataclass(frozen=True)
class Exclusive:
    """Where its lock is, and whether it swallows a request to stop."""

    lock: str
    deaf: bool = False


@handler("exclusive")
async def exclusive(context: TaskContext, payload: Exclusive) -> None:
    lock = os.open(payload.lock, os.O_WRONLY | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(os.open(f"{payload.lock}.twice", os.O_WRONLY | os.O_CREAT))
    try:
        await context.output("here")
        await stay(payload)
    finally:
        os.close(lock)


async def stay(payload: Exclusive) -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not payload.deaf:
                raise
