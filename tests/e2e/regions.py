"""Regions as real processes: a service each with a log of its own, and bridges between them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.running import REPOSITORY, STOP_SECONDS, Running, environment_here

HOST = "127.0.0.1"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class RegionalService(Running):
    """`countermand up` of one region, at an address that the others know beforehand."""

    def __init__(
        self, folder: Path, name: str, others: Sequence[str], more: Mapping[str, Any] | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self.name = name
        self.port = free_port()
        self.address = {"url": f"http://{HOST}:{self.port}", "key": "not-made-yet"}
        nowhere = {"url": f"http://{HOST}:1", "key": "unused"}
        known = {"others": dict.fromkeys(others, nowhere), **(more or {})}
        environment = {
            "COUNTERMAND_REGION": name,
            "COUNTERMAND_REGIONS": json.dumps(known),
        }
        super().__init__(folder, ("--port", str(self.port)), environment)

    def start(self) -> None:
        first = not self.key
        super().start()
        if first:
            self.address["key"] = self.new_key("default", "bridge")


class RunningBridge:
    """`countermand bridge` of one region."""

    def __init__(
        self, here: RegionalService, others: Sequence[RegionalService], **more: Any
    ) -> None:
        self._settings = {
            "here": here.address,
            "others": {each.name: each.address for each in others},
            **more,
        }
        self._name = here.name
        self._stderr = here.folder / "bridge-stderr"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with open(self._stderr, "a") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "countermand.cli", "bridge", "--log-format", "json"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=REPOSITORY,
                env={
                    **environment_here(),
                    "COUNTERMAND_REGION": self._name,
                    "COUNTERMAND_REGIONS": json.dumps(self._settings),
                },
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if re.search("bridge is up", line):
                return
        raise AssertionError(f"the bridge ended: {self.said()[-4000:]}")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process = self._process
        if process is None:
            return 0
        self._process = None
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            return process.wait(STOP_SECONDS)
        finally:
            if process.stdout is not None:
                process.stdout.close()

    def said(self) -> str:
        return self._stderr.read_text()
