"""The few things asked of Linux that the standard library doesn't offer."""

import ctypes
import os

WAIT_FOR_ALL = 0x40000000
"""`__WALL`: also children that were cloned with another signal than SIGCHLD."""
TO_THE_GROUP = 1 << 2
"""`PIDFD_SIGNAL_PROCESS_GROUP`, since Linux 6.9: older kernels answer EINVAL."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """From now on orphaned descendants become children of this process. Not inherited by forks."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int) -> None:
    """Get this signal when the parent ends; survives exec."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def call_this_process(name: str) -> None:
    """What process listings show."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:15]))


def _prctl(option: int, argument: object) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
