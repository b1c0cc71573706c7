"""One executor process, as `python -m tests.chaos.executor_process SOCKET FOLDER NAME LEASE`.

Behind that, if wanted, its labels as JSON.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.ledger import Ledger
from services.own_words import OwnWords
from services.voice import Voice
from services.world import real_world
from tests.chaos.log_over_socket import Connection
from tests.chaos.settings import settings_of_chaos
from tests.rig import LogHistory


async def main(
    socket: Path, folder: Path, name: str, lease_seconds: float, labels: dict[str, str]
) -> None:
    connection, connected, stopping = Connection(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # as `countermand up` does
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        link = tasks.create_task(connection.run(socket, connected))
        await connected.wait()
        history, output, beats = map(connection.log, ("history", "output", "heartbeats"))
        world = real_world()
        settings = settings_of_chaos(lease_seconds, labels)
        words = OwnWords()
        voice = Voice(history, world, source=f"/test/{name}", region="local", words=words)
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
        ledger = Ledger(history, LogHistory(history), [voice, executor], [executor], words=words)
        following = tasks.create_task(ledger.run())
        await executor.run(stopping, 0.0)
        following.cancel()
        link.cancel()


if __name__ == "__main__":
    socket, folder, name, lease_seconds, *labels = sys.argv[1:]
    given = json.loads(labels[0]) if labels else {}
    asyncio.run(main(Path(socket), Path(folder), name, float(lease_seconds), given))
