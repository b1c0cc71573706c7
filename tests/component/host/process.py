"""A real host process, and an executor's side of its channel, blocking and with bounds."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "countermand" / "handlers" / "host.py"
AUTHORS = ROOT / "tests" / "authors"
PATIENCE_SECONDS = 60.0

WITH_CHANNEL = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.execv(sys.argv[2], sys.argv[2:])
"""


class HostProcess:
    """Started with these modules; ended, at the latest, when the block ends."""

    def __init__(
        self,
        *modules: str,
        paths: Sequence[Path] = (AUTHORS,),
        python: Sequence[str] = (sys.executable,),
        options: Sequence[str] = (),
        cwd: Path | None = None,
    ) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(PATIENCE_SECONDS)
        folders = [word for path in paths for word in ("--path", str(path))]
        command = [*python, str(PROGRAM), *folders, *options, *modules]
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", WITH_CHANNEL, str(theirs.fileno()), *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                text=True,
                cwd=cwd,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )
        self._lines = self.channel.makefile("rb")
        self.ready = self.hears()

    def __enter__(self) -> "HostProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hang_up()
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_SECONDS)

    def says(self, *messages: dict[str, Any]) -> None:
        """In one piece, so that the host reads them together."""
        self.channel.sendall(b"".join(json.dumps(each).encode() + b"\n" for each in messages))

    def hears(self) -> dict[str, Any]:
        """The next message; empty at the end."""
        line = self._lines.readline()
        words: dict[str, Any] = json.loads(line) if line else {}
        return words

    def hears_all(self, op: str) -> list[dict[str, Any]]:
        """Messages until one of this kind, which is the last of them."""
        heard = [self.hears()]
        while heard[-1]["op"] != op:
            heard.append(self.hears())
        return heard

    def hang_up(self) -> None:
        self._lines.close()
        self.channel.close()

    def ends(self) -> tuple[int, str, str]:
        """Its exit code, and what it wrote."""
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output, errors


def run(handler: str, payload: object = None, run_id: str = "1", **more: object) -> dict[str, Any]:
    return {
        "op": "run",
        "run": run_id,
        "task": f"task-{run_id}",
        "handler": handler,
        "payload": {} if payload is None else payload,
        "attempt": 1,
        "deadline": None,
        "answers": [],
        "labels": {},
        "secrets": {},
        **more,
    }


def stop(run_id: str = "1", why: str = "request", reason: str = "enough") -> dict[str, Any]:
    return {"op": "stop", "run": run_id, "why": why, "reason": reason, "grace_seconds": 3.0}


def ping(number: int = 1) -> dict[str, Any]:
    return {"op": "ping", "number": number}


def failed(heard: dict[str, Any], error: str, error_type: str, *, permanent: bool) -> bool:
    return (
        heard["op"] == "failed"
        and error in heard["error"]
        and heard["type"] == error_type
        and heard["permanent"] is permanent
    )
