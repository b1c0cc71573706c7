"""A handler that writes down when it was stopped, by the clock that all processes share."""

import asyncio
import os
import time
from pathlib import Path

from countermand.handlers import TaskContext, handler


@handler("timed")
async def timed(ctx: TaskContext, payload: dict[str, str]) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        stopped_at = time.monotonic_ns()
        file = os.open(Path(payload["file"]), os.O_WRONLY | os.O_APPEND)
        os.write(file, f"{stopped_at}\n".encode())
        os.close(file)
        raise
