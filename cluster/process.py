"""One server as a child process: its process group, its log file, its end.

Knows nothing of Kafka or PostgreSQL. The child dies with this process, however this process ends.
"""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
TAIL_LINES = 40
STOP_TIMEOUT_SECONDS = 30.0
KILL_TIMEOUT_SECONDS = 10.0
# Between two looks at a server that belongs to somebody else's program: it can't notify us.
LOOK_AGAIN_SECONDS = 0.05


class ServerFailed(Exception):
    """A server didn't start, or ended by itself; then the text holds the end of its log."""


@dataclass
class ServerProcess:
    """A command that may run many times, one process at a time, all with the same log file."""

    command: Sequence[str]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerFailed(f"{self.command[0]} has not been started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; it is not ready yet when this returns."""
        if self.alive:
            raise ServerFailed(f"{self.command[0]} is running already, as process {self.pid}")
        # The kernel takes the end of the *thread* that forked for the end of the parent. So one
        # thread that lives as long as the program forks all servers, whoever asks for them.
        self._process = _forking_thread().submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        launch = [
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(os.getpid()),
            str(int(self.death_signal)),
        ]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launch, self.user or "-", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                env={**os.environ, **self.environment},
                # Its own group: Ctrl-C reaches us alone, and we decide how the server stops.
                process_group=0,
            )

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return when `ready` says so; raise ServerFailed when the process ends or takes longer."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            self.raise_if_ended()
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(
                    f"{self.command[0]} not ready after {timeout_seconds:g} s. {self.log_tail()}"
                )
            time.sleep(LOOK_AGAIN_SECONDS)

    def raise_if_ended(self) -> None:
        if not self.alive:
            raise ServerFailed(f"{self.command[0]} ended by itself. {self.log_tail()}")

    def stop(self) -> None:
        """End it politely; by force when it doesn't end in time."""
        if self._process is None:
            return
        if self.alive:
            self.resume()
            self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to all of its process group; returns when the process is gone."""
        if self._process is not None and self.alive:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(KILL_TIMEOUT_SECONDS)

    def pause(self) -> None:
        """SIGSTOP: it holds its port and answers nobody from when this returns."""
        os.killpg(self.pid, signal.SIGSTOP)
        # A thread that is just running goes on for a moment; the parent hears when all stand.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        if not self.log.exists():
            return f"It wrote no log to {self.log}."
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"The end of {self.log}:", *lines])


@functools.cache
def _forking_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="cluster-forks")
