"""A real service in a process of its own: started, asked over HTTP, killed, started again."""

import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx

from countermand.client import Client
from tests.e2e.commands import Command, begin_heard, run


class Running:
    """`countermand up` on a data folder."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = ""
        self.key = ""
        self.within: Sequence[str] = ()
        """A command that runs it somewhere else, e.g. in a network namespace."""
        self._arguments = arguments
        self._environment = environment or {}
        self._process: Command | None = None
        self._says: IO[str] | None = None

    def start(self) -> None:
        arguments = ["up", "--data", str(self.data), "--port", "0", "--log-format", "json"]
        self._process, self._says = begin_heard(
            [*arguments, *self._arguments],
            self.folder / "stderr",
            self._environment,
            self.within,
        )
        self.hear(self._says)

    def keep_address(self) -> None:
        """Further starts listen where it listens now."""
        self._arguments = [*self._arguments, "--port", self.url.rpartition(":")[2]]

    def hear(self, lines: Iterable[str]) -> None:
        """Read what it says until it is up."""
        for line in lines:
            if found := re.search(r"is up: (\S+)", line):
                self.url = found[1]
            if found := re.search(r"key\s+(\S+)$", line):
                self.key = found[1]
            if "history my-task" in line:
                return
        raise AssertionError(f"it ended with {self._ended()}: {self.said()[-4000:]}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would, for this process; its guardian kills what it ran."""
        assert self._process is not None
        self._process.send(signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        """As an operator does; the exit code."""
        assert self._process is not None
        self._process.send(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        try:
            return self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise AssertionError(f"it didn't stop: {self.said()[-4000:]}") from None
        finally:
            if self._says is not None:
                self._says.close()

    def said(self) -> str:
        return (self.folder / "stderr").read_text()

    def run(self, *arguments: str, check: bool = True, key: str | None = None) -> str:
        """What a command of the command line prints."""
        done = self.command(*arguments, key=key)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            "COUNTERMAND_URL": self.url,
            "COUNTERMAND_KEY": key or self.key,
            "COUNTERMAND_DATA": str(self.data),
            "COLUMNS": "200",
        }
        return run(arguments, environment)

    def new_key(self, org: str, role: str, *more: str) -> str:
        return self.run("keys", "create", "--org", org, "--role", role, *more).strip()

    def client(self, key: str | None = None) -> Client:
        return Client(self.url, key or self.key)

    def http(self, key: str | None = None) -> httpx.Client:
        """Plain HTTP on the native API, for what the client wouldn't send."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url + "/countermand/v1", headers=headers, timeout=30)


STUBBORN_KINDS = frozenset({"stubborn", "overrunning"})
"""Handlers that ignore polite requests to stop, and say so first."""


def until_stubborn(http: httpx.Client, task_id: str) -> None:
    """Read the stream of a task until its handler has begun to be stubborn."""
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        # Asked once the stream is open: what was said before isn't said again.
        if http.get(f"/tasks/{task_id}").json()["progress"] is not None:
            return
        for line in frames.iter_lines():
            if "ignores polite requests" in line:
                return
    raise AssertionError(f"the stream of {task_id} ended before it had begun")


def until_running(http: httpx.Client, task_id: str, status: str = "running") -> None:
    """Read the task's stream until it has that status."""
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        for line in frames.iter_lines():
            if line.startswith("data: ") and f'"status":"{status}"' in line:
                break
        else:
            raise AssertionError(f"the stream of {task_id} ended before it was {status}")
    if status == "running" and http.get(f"/tasks/{task_id}").json()["kind"] in STUBBORN_KINDS:
        until_stubborn(http, task_id)


@contextmanager
def up(
    folder: Path, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A service that was started, and that ends in good order."""
    running = Running(folder, arguments, environment)
    running.start()
    yield running
    assert running.stop() == 0, running.said()[-4000:]
