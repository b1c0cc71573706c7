"""A real service in a process of its own: started, asked over HTTP, killed, started again."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import httpx

from countermand.client import Client

START_SECONDS = 60.0
STOP_SECONDS = 30.0
REPOSITORY = Path(__file__).parents[2]


def environment_here() -> dict[str, str]:
    """Without the addresses that other tests are given: one process needs neither."""
    shared = ("COUNTERMAND_KAFKA", "COUNTERMAND_POSTGRES")
    return {name: value for name, value in os.environ.items() if name not in shared}


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
        self._process: subprocess.Popen[str] | None = None
        self._says: IO[str] | None = None

    def start(self) -> None:
        self._says = open(self.folder / "stderr", "a")  # noqa: SIM115 (closed by `_ended`)
        self._process = subprocess.Popen(
            [
                *self.within, sys.executable, "-m", "countermand.cli", "up",
                "--data", str(self.data), "--port", "0", "--log-format", "json", *self._arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=self._says,
            text=True,
            env={**environment_here(), **self._environment},
            cwd=REPOSITORY,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.hear(self._process.stdout)

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
        self._process.send_signal(signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        """As an operator does; the exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self._process is not None
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it didn't stop: {self.said()[-4000:]}") from None
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()
            if self._says is not None:
                self._says.close()
        return code

    def said(self) -> str:
        return (self.folder / "stderr").read_text()

    def run(self, *arguments: str, check: bool = True, key: str | None = None) -> str:
        """What a command of the command line prints."""
        done = self.command(*arguments, key=key)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "countermand.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=REPOSITORY,
            check=False,
            env={
                **environment_here(),
                "COUNTERMAND_URL": self.url,
                "COUNTERMAND_KEY": key or self.key,
                "COUNTERMAND_DATA": str(self.data),
                "COLUMNS": "200",
            },
        )

    def new_key(self, org: str, role: str, *more: str) -> str:
        return self.run("keys", "create", "--org", org, "--role", role, *more).strip()

    def client(self, key: str | None = None) -> Client:
        return Client(self.url, key or self.key)

    def http(self, key: str | None = None) -> httpx.Client:
        """Plain HTTP on the native API, for what the client wouldn't send."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url + "/countermand/v1", headers=headers, timeout=30)


def until_stubborn(http: httpx.Client, task_id: str) -> None:
    """Read the stream of a `stubborn` task until its handler has begun to be it."""
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
    if status == "running" and http.get(f"/tasks/{task_id}").json()["kind"] == "stubborn":
        until_stubborn(http, task_id)
