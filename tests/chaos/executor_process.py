"""One executor process, as `python -m tests.chaos.executor_process SOCKET FOLDER NAME LEASE`."""

import asyncio
import signal
import sys
from pathlib import Path

from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.ledger import Ledger
from services.voice import Voice
from services.world import real_world
from tests.chaos.log_over_socket import Connection
from tests.chaos.settings import settings_of_chaos
from tests.rig import LogHistory


async def main(socket: Path, folder: Path, name: str, lease_seconds: float) -> None:
    connection, connected, stopping = Connection(), asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        link = tasks.create_task(connection.run(socket, connected))
        await connected.wait()
        history, output, beats = map(connection.log, ("history", "output", "heartbeats"))
        world = real_world()
        settings = settings_of_chaos(lease_seconds)
        voice = Voice(history, world, source=f"/test/{name}", region="local")
        executor = Executor(
            name,
            history=history,
            output=output,
            heartbeats=beats,
            voice=voice,
            region="local",
            engines=LocalEngines(folder, settings),
            settings=settings,
            world=world,
            alone=False,
        )
        ledger = Ledger(history, LogHistory(history), [voice, executor], [executor])
        following = tasks.create_task(ledger.run())
        await executor.run(stopping, 0.0)
        following.cancel()
        link.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
