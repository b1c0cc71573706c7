"""Real processes that report, waits for what a guardian says of them, and a look at who is left."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.executor.guardian.client import Gone, Guardian, Tree, wait_until_gone
from services.executor.guardian.process_table import look

PATIENCE_SECONDS = 60.0
LEASE_SECONDS = 600.0
MARK = "COUNTERMAND_TEST"
REPORTS = 3
"""The descriptor into which a program of a test reports."""

REPORT = f"""
import json, os, signal, sys, time
def report(what="up", **about):
    os.write({REPORTS}, json.dumps({{"what": what, "pid": os.getpid(), **about}}).encode() + b"\\n")
def wait():
    while True:
        signal.pause()
"""


def python(program: str) -> list[str]:
    """A command that runs this, after `REPORT`."""
    return [sys.executable, "-I", "-S", "-c", REPORT + program]


class Scene:
    """One test's processes: they show its mark, and report into its pipe."""

    def __init__(self, lock: Path) -> None:
        self.lock = lock
        self.mark = uuid.uuid4().hex
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", MARK: self.mark}
        self._reading, self.writing = os.pipe()
        self._reports = asyncio.StreamReader()
        self._transport: asyncio.BaseTransport | None = None

    async def spawn(self, guardian: Guardian, program: str | Sequence[str]) -> Tree:
        argv = python(program) if isinstance(program, str) else program
        return await guardian.spawn(argv, env=self.env, cwd=None, fds={REPORTS: self.writing})

    async def reports(self, count: int) -> list[dict[str, Any]]:
        """The next reports, from whichever process they come."""
        await self._listen()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [json.loads(await self._reports.readline()) for _ in range(count)]

    async def report(self) -> dict[str, Any]:
        [report] = await self.reports(1)
        return report

    async def _listen(self) -> None:
        if self._transport is None:
            self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(self._reports), os.fdopen(self._reading, "rb")
            )

    def survivors(self) -> list[int]:
        """Who shows the mark. What is dead shows nothing, also while nobody has waited for it."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                environment = Path("/proc", name, "environ").read_bytes()
            except OSError:
                continue
            if f"{MARK}={self.mark}".encode() in environment:
                found.append(int(name))
        return found

    async def close(self) -> None:
        """Proves that nobody is left, in two ways: some processes are too quick to be looked at."""
        os.close(self.writing)
        await self._listen()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reports.read()  # to the end: nobody holds the other end any more
        assert self._transport is not None
        self._transport.close()
        assert self.survivors() == []


def parent(pid: int) -> int:
    row = look(pid)
    assert row is not None
    return row.parent


async def proof(tree: Tree) -> Gone:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await tree.gone


async def exit_code(tree: Tree) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return os.waitstatus_to_exitcode(await tree.exited)


async def freed(lock: Path, within_seconds: float = PATIENCE_SECONDS) -> bool:
    return await wait_until_gone(lock, within_seconds)
