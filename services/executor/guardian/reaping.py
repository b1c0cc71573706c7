"""Waiting for children, and killing until there is none: what guardian and keepers have in
common."""

import os
import select
import signal
from collections.abc import Callable
from types import FrameType

from .kernel import WAIT_FOR_ALL

SHORTEST_WAIT_SECONDS = 0.002
LONGEST_WAIT_SECONDS = 0.1


class ChildWatch:
    """Wakes a poll when a child has ended."""

    def __init__(self) -> None:
        self.fd, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def drain(self) -> None:
        """Forget the wake-ups until now; to be called before the dead are collected."""
        try:
            while len(os.read(self.fd, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def wait(self, seconds: float) -> None:
        """Return when a child has ended, or after this time."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.poll(seconds * 1000)
        self.drain()


def _nothing(signal_number: int, frame: FrameType | None) -> None:
    """A handler must be there for the wake-up to be written; the default would write nothing."""


def collect(ended: Callable[[int, int], None]) -> bool:
    """Reap whoever has ended. True when there is no child left, dead or alive: the proof."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | WAIT_FOR_ALL)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
        ended(pid, status)


def kill_until(gone: Callable[[], bool], kill_all: Callable[[], None], watch: ChildWatch) -> None:
    """Kill again whatever the last round missed, or was born since, until nothing is left.

    Without end where the kernel doesn't let us (a process of another user, one stuck in a device):
    what can't be proved gone must not be called gone.
    """
    wait_seconds = SHORTEST_WAIT_SECONDS
    while not gone():
        kill_all()
        watch.wait(wait_seconds)
        wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
