"""`countermand demo`: a service of its own, tasks of each runtime, cancels, and a kill -9.

Everything it makes is in a temporary folder, and gone at the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from countermand.cli import shown
from countermand.cli.exits import Exit
from countermand.cli.options import AsJson

if TYPE_CHECKING:
    from countermand.client import Client, HistoryLine, Receipt

PATIENCE_SECONDS = 25.0
COMMAND = "demo-command"
TASKS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("polite", "sleep", {"seconds": 600}),
    ("counting", "count", {"every_ms": 50}),
    ("stubborn", "stubborn", {"seconds": 600}),
    ("process", COMMAND, {}),
    ("failing", "fail", {"message": "as it should"}),
    ("interrupted", "stubborn", {"seconds": 600}),
)
"""Async handlers, handlers in hosts of their own, and an OS process."""


class Service(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    key: str


class Narrator:
    """Says what happens, to people or to scripts: then each is a line of JSON."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._console = shown.new_console()

    def chapter(self, title: str) -> None:
        self._say({"chapter": title}) if self._as_json else self._console.rule(title)

    def line(self, text: str, **facts: Any) -> None:
        self._say({"said": text, **facts}) if self._as_json else self._console.print(text)

    def receipt(self, one: Receipt) -> None:
        self._say({"receipt": one}) if self._as_json else self._console.print(shown.receipt(one))

    def history(self, lines: list[HistoryLine]) -> None:
        if self._as_json:
            self._say({"history": lines})
        else:
            self._console.print(shown.timeline(lines))
            self._console.print()

    def _say(self, fact: dict[str, Any]) -> None:
        typer.echo(json.dumps(fact))


def demo(
    keep: Annotated[bool, typer.Option(help="Keep the folder, and say where it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show in under half a minute what this is: run, cancel, kill -9, and the histories."""
    narrator = Narrator(as_json)
    with demo_folder(keep) as folder:
        asyncio.run(shown_all(folder, narrator))
        if keep:
            narrator.line(f"The data is in {folder}", folder=folder)


async def shown_all(folder: str, narrator: Narrator) -> None:
    from countermand.client import Client

    narrator.chapter("A service with everything in it, on an embedded log")
    with running(folder, "") as service:
        narrator.line(f"up at {service.url}", url=service.url)
        async with Client(service.url, service.key) as client:
            await submitted(client, narrator)
            await cancelled(client, narrator)
            narrator.chapter("kill -9 of service and executor, in the middle of a cancel")
            receipt = await client.cancel(
                "interrupted", reason="while everything dies", wait_seconds=0
            )
            narrator.line(f"accepted at {receipt['position']}: {receipt['status']}")
            service.process.send_signal(signal.SIGKILL)
            service.process.wait(PATIENCE_SECONDS)
            narrator.line("killed; starting again on the same folder")
    with running(folder, service.key) as again:
        async with Client(again.url, again.key) as client:
            narrator.receipt(await client.receipt("interrupted", wait_seconds=20))
            narrator.chapter("The histories")
            for id in ("polite", "stubborn", "failing", "interrupted"):
                narrator.history([line async for line in client.task_history(id)])
    narrator.line("Your own: countermand up")


async def submitted(client: Client, narrator: Narrator) -> None:
    """Every task, until it runs and its handler is what it will be."""
    narrator.chapter("Tasks of each runtime")
    for id, kind, payload in TASKS:
        await client.submit(kind, payload, id=id, grace_seconds=1)
        narrator.line(f"  submitted {id}: {kind} {json.dumps(payload)}", task=id, kind=kind)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for id in ("polite", "counting", "process"):
            await until(client, id, "running")
        await until(client, "failing", "failed")
        for id in ("stubborn", "interrupted"):
            await until_heard(client, id)


async def cancelled(client: Client, narrator: Narrator) -> None:
    from countermand.client import Problem

    narrator.chapter("Cancels, each with its evidence")
    for id in ("polite", "counting", "stubborn", "process"):
        narrator.receipt(await client.cancel(id, reason="the demo says so", wait_seconds=10))
    try:
        await client.cancel("polite", reason="once more")
    except Problem as problem:
        narrator.line(f"polite once more: {problem.document.get('detail')}")


async def until(client: Client, id: str, status: str) -> None:
    async for frame in client.stream(task=id):
        if frame.data.get("status") == status:
            return


async def until_heard(client: Client, id: str) -> None:
    """Until its handler has said something: a stubborn one is so by then."""
    async for frame in client.stream(task=id):
        # What was said before the stream was open isn't said again.
        if "event" not in frame.data or (await client.task(id))["progress"] is not None:
            return


@contextmanager
def running(folder: str, key: str) -> Iterator[Service]:
    """`key`: that of an earlier start, which shows it once."""
    commands = {COMMAND: {"argv": ["sleep", "600"]}}
    process = subprocess.Popen(
        [
            sys.executable, "-m", "countermand.cli", "up", "--json", "--port", "0",
            "--data", os.path.join(folder, "data"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COUNTERMAND_EXECUTOR__COMMANDS": json.dumps(commands)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            typer.echo("its service doesn't start: see what countermand up says", err=True)
            raise typer.Exit(Exit.CONFIGURATION)
        said = json.loads(line)
        yield Service(process, said["url"], said["key"] or key)
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
