"""`countermand demo`: a service of its own, tasks of each runtime, cancels, and a kill -9.

Everything it makes is in a temporary folder, and gone at the end.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, NamedTuple

import typer

from countermand.cli import shown
from countermand.client import Client, Problem

PATIENCE_SECONDS = 25.0
COMMAND = "demo-command"

console = shown.new_console()


class Service(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    key: str


def demo(
    keep: Annotated[bool, typer.Option(help="Keep the folder, and say where it is.")] = False,
) -> None:
    """Show in under half a minute what this is: run, cancel, kill -9, and the histories."""
    with demo_folder(keep) as folder:
        asyncio.run(shown_all(folder))
        if keep:
            console.print(f"The data is in {folder}")


async def shown_all(folder: str) -> None:
    console.rule("A service with everything in it, on an embedded log")
    with running(folder, "") as service, console.status("working"):
        async with Client(service.url, service.key) as client:
            console.print(f"up at {service.url}")
            console.rule("Tasks of each runtime")
            for id, kind, payload in (
                ("polite", "sleep", {"seconds": 600}),
                ("counting", "count", {"every_ms": 50}),
                ("stubborn", "stubborn", {"seconds": 600}),
                ("process", COMMAND, {}),
                ("failing", "fail", {"message": "as it should"}),
                ("interrupted", "stubborn", {"seconds": 600}),
            ):
                await client.submit(kind, payload, id=id, grace_seconds=1)
                console.print(f"  submitted {id}: {kind} {json.dumps(payload)}")
            for id in ("polite", "counting", "stubborn", "process", "interrupted"):
                await until(client, id, "running")
            await asyncio.sleep(0.5)
            console.rule("Cancels, each with its evidence")
            for id in ("polite", "counting", "stubborn", "process"):
                receipt = await client.cancel(id, reason="the demo says so", wait_seconds=10)
                console.print(shown.receipt(receipt))
            with suppress(Problem):
                await client.cancel("polite", reason="once more: too late, and void")
            console.rule("kill -9 in the middle of a cancel")
            receipt = await client.cancel(
                "interrupted", reason="while everything dies", wait_seconds=0
            )
            console.print(f"accepted at {receipt['position']}: {receipt['status']}")
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
            console.print("killed; starting again on the same folder")
    with running(folder, service.key) as again:
        async with Client(again.url, again.key) as client:
            receipt = await client.receipt("interrupted", wait_seconds=20)
            console.print(shown.receipt(receipt))
            console.rule("The histories")
            for id in ("polite", "stubborn", "failing", "interrupted"):
                lines = [line async for line in client.task_history(id)]
                console.print(shown.timeline(lines))
                console.print()
    console.print("Your own: countermand up")


async def until(client: Client, id: str, status: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for frame in client.stream(task=id):
            if frame.data.get("status") == status:
                return


@contextmanager
def running(folder: str, key: str) -> Iterator[Service]:
    commands = {COMMAND: {"argv": ["sleep", "600"]}}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "countermand.cli", "up", "--port", "0",
            "--data", os.path.join(folder, "data"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COUNTERMAND_EXECUTOR__COMMANDS": json.dumps(commands)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = ""
        for line in process.stdout:
            if found := re.search(r"is up: (\S+)", line):
                url = found[1]
            if found := re.search(r"key +(\S+)$", line):
                key = found[1]
            if "history my-task" in line:
                break
        if not url:
            raise typer.Exit(5)
        yield Service(process, url, key)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def demo_folder(keep: bool) -> Iterator[str]:
    if keep:
        yield tempfile.mkdtemp(prefix="countermand-demo-")
        return
    with tempfile.TemporaryDirectory(prefix="countermand-demo-") as folder:
        yield folder
