"""The least that can stop something in another process: a task of asyncio, or a process group.

A line on the socket: stop it. The answer, once it has stopped: when that was, by the clock that all
processes share. `start` begins the next one beforehand.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time


async def stop_tasks(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection(sock=channel)

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            writer.write(f"{time.monotonic_ns()}\n".encode())
            raise

    task = loop.create_task(wait_for_ever())
    while line := await reader.readline():
        if line == b"start\n":
            task = loop.create_task(wait_for_ever())
            await asyncio.sleep(0)
            writer.write(b"started\n")
        else:
            task.cancel()


def stop_processes(channel: socket.socket) -> None:
    process = None
    with channel.makefile("rwb", buffering=0) as lines:
        while line := lines.readline():
            if line == b"start\n":
                process = subprocess.Popen(["sleep", "600"], start_new_session=True)
                lines.write(b"started\n")
            elif process is not None:
                os.killpg(process.pid, signal.SIGTERM)
                os.waitpid(process.pid, 0)
                lines.write(f"{time.monotonic_ns()}\n".encode())


if __name__ == "__main__":
    inherited = socket.socket(fileno=int(sys.argv[2]))
    if sys.argv[1] == "tasks":
        asyncio.run(stop_tasks(inherited))
    else:
        stop_processes(inherited)
