"""The least that a durable stop can do, in a process of its own: one commit, one message to another
process that stops something, one message back, one commit.

A line on standard input: once more. The answer: how long it took until it was stopped, and until
that was durable, in nanoseconds.
"""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def plain_table(folder: Path) -> Iterator[Callable[[], None]]:
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, state BLOB)")
    state = b"x" * 600

    def commit() -> None:
        connection.execute("INSERT INTO events (state) VALUES (?)", (state,))

    try:
        yield commit
    finally:
        connection.close()


@contextmanager
def bare_stopper(kind: str) -> Iterator[Callable[[bytes], bytes]]:
    near, far = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_stopper", kind, str(far.fileno())],
        pass_fds=(far.fileno(),),
    )
    far.close()
    lines = near.makefile("rwb", buffering=0)

    def ask(words: bytes) -> bytes:
        lines.write(words)
        return lines.readline()

    try:
        yield ask
    finally:
        lines.close()
        near.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def main(kind: str, folder: Path, pause_seconds: float) -> None:
    with plain_table(folder) as commit, bare_stopper(kind) as ask:
        while sys.stdin.readline():
            assert ask(b"start\n") == b"started\n"
            time.sleep(pause_seconds)
            began = time.monotonic_ns()
            commit()
            stopped_at = int(ask(b"stop\n"))
            commit()
            durable_at = time.monotonic_ns()
            print(stopped_at - began, durable_at - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
