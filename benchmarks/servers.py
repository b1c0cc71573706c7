"""The processes that benchmarks ask over HTTP: the service, and the bare servers beside it."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plain_http import Connection
from cluster.ports import free_ports

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens."""

    port: int
    headers: str
    folder: Path

    def connection(self) -> Connection:
        return Connection(self.port, self.headers)


@contextmanager
def service(folder: Path) -> Iterator[Server]:
    """`countermand up` with the default settings."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "countermand.cli", "up", "--port", "0",
            "--data", str(folder / "data"), "--handlers", "benchmarks.timed_handlers",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port, key = 0, ""
        for line in process.stdout:
            if found := re.search(r"is up: \S+:(\d+)", line):
                port = int(found[1])
            if found := re.search(r"key +(\S+)$", line):
                key = found[1]
            if "history my-task" in line:
                break
        yield Server(port, f"authorization: Bearer {key}\r\n", folder)
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def bare(folder: Path, document: bytes = b"{}") -> Iterator[Server]:
    (folder / "document").write_bytes(document)
    with listening("benchmarks.bare_server", str(folder)) as port:
        yield Server(port, "", folder)


@contextmanager
def listening(module: str, *arguments: str) -> Iterator[int]:
    """A process of this module, whose last argument is the port that it listens on."""
    [port] = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", module, *arguments, str(port)])
    try:
        until_listening(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def until_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            assert time.monotonic() < deadline, "the bare server didn't start"
            time.sleep(0.05)
        else:
            return
