"""`python -m benchmarks.timed_start DATA`: opens log and read models, recalls what is alive.

Says how long that took from the first file to the ledger that is ready; importing our own modules
is left out, as it is the same for every past.
"""

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from services.embedded_log import open_log
from services.ledger import Ledger
from services.read_side import open_models


async def start(data: Path) -> float:
    began = time.perf_counter()
    log = await open_log(data / "history.sqlite", "history", lambda: time.time_ns() // 1000)
    projector, models = await open_models(data, log)
    ledger = Ledger(log, models, [projector])
    tasks = [asyncio.create_task(projector.run()), asyncio.create_task(ledger.run())]
    await ledger.ready.wait()
    await projector.writes.wait()
    seconds = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await projector.close()
    await models.close()
    await log.close()
    return seconds


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(start(Path(sys.argv[1]))))
