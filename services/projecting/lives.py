"""How a process that writes read models begins and ends, seen from its service.

The first one of a service is a fork of it, made before the service has opened anything or begun any
thread: everything is imported already. One that takes its place is a new program.
"""

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from events.errors import CountermandError

KILLED_SECONDS = 5.0
"""For one that was killed to be gone: it may wait for its disk, and nobody shall wait with it."""
STDERR = 2
LOCK = "projector.lock"
"""In the folder of the read models: held by the process that writes them."""

log = structlog.get_logger(__name__)


class ProjectorStopped(CountermandError):
    """The text is the projector's, or says how it ended."""


class Process(Protocol):
    """What there is to do with one, whichever way it began; as `subprocess.Popen` has it."""

    pid: int
    returncode: int | None

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


class Life(NamedTuple):
    """A process, and our end of its socket."""

    ours: socket.socket
    process: Process

    def end(self, seconds: float) -> None:
        """It ends by itself, as its socket is closed, and ends what it is writing; within a time.
        Blocking; may be called twice."""
        self.ours.close()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("the projector doesn't end; killing it", pid=self.process.pid)
            self.process.kill()
            self._bury()

    def _bury(self) -> None:
        try:
            self.process.wait(KILLED_SECONDS)
        except subprocess.TimeoutExpired:
            log.error(
                "the projector was killed and isn't gone: it waits for its disk, and a service "
                "that starts waits for it",
                pid=self.process.pid,
            )


class Forked:
    """A child that is no program of its own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ended = select.poll()
            ended.register(self._pidfd, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("the projector", timeout or 0)
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
            os.close(self._pidfd)
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)


def forked(data: Path, lives: Callable[[Path, socket.socket], int]) -> Life:
    """For whoever has opened nothing and begun no thread yet; `lives` is the child's whole life."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            ours.close()
            gc.freeze()  # What is here now is shared, as long as nobody writes to it.
            status = lives(data, theirs)
        except BaseException:  # noqa: BLE001 - nothing of the service may go on in the child
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    theirs.close()
    return Life(ours, Forked(pid))


def holder(folder: Path) -> str:
    """What to do about a lock that isn't given."""
    path = folder / LOCK
    try:
        pid = path.read_text().strip()
    except OSError:
        pid = ""
    return (
        f"Process {pid or 'unknown'} was the last to hold {path}: if it is left of a service that "
        "has ended, kill it, and start again. Otherwise look at the disk"
    )


def started(data: Path) -> Life:
    """A program of its own, in a group of its own: a terminal's interrupt is for the service."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-P", "-m", "services.projecting", str(data)]
    path = os.pathsep.join(filter(None, sys.path))
    with theirs:
        try:
            process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=STDERR,
                env={**os.environ, "PYTHONPATH": path},
                process_group=0,
            )
        except OSError as error:
            ours.close()
            raise ProjectorStopped(
                f"the process that writes the read models can't be started ({error}). Free memory "
                "and processes for it, and start again"
            ) from error
    return Life(ours, process)
