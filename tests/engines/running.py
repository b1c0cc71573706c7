"""The engine's process, for a test: started, looked into, killed, started again."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.commands import REPOSITORY
from tests.engines.engine import KEY


class RunningEngine:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = 0
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """On the port that it had."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engines.engine", str(self._folder), str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def runs(self) -> dict[str, dict[str, Any]]:
        headers = {"authorization": f"Bearer {KEY}"}
        runs: dict[str, dict[str, Any]] = httpx.get(f"{self.url}/all", headers=headers).json()
        return runs

    def run_of(self, key: str) -> dict[str, Any]:
        """The one run under a key."""
        (run,) = [run for run in self.runs().values() if run["key"] == key]
        return run
