"""The lock that is free only when a guardian and all its keepers, hence all its trees, are gone.

It belongs to the open file, which keepers inherit and trees don't. The file itself stays: removing
it would let two guardians hold two locks of one name.
"""

import fcntl
import os
import signal
from types import FrameType


class LockIsHeld(Exception):
    """An earlier guardian, or a keeper of its, is still alive."""


def hold(path: str, within_seconds: float) -> int:
    """Take the lock, for as long as the descriptor, or a copy of it, is open.

    Only for a process without threads: the kernel's wait is ended by a timer's signal.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    before = signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, within_seconds)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except LockIsHeld:
        os.close(fd)
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return fd


def _too_late(signal_number: int, frame: FrameType | None) -> None:
    raise LockIsHeld
