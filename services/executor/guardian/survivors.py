"""The last resort: finding what is left of a tree when its keeper *and* its guardian were killed.

Then nobody inherited its orphans, and no proof by the kernel is to be had. Every tree carries a
mark in its environment; whoever still shows it is killed. A process that hid its environment, or
that forks and ends too quickly to be looked at, isn't found: this proves less than a keeper's or a
guardian's word, and is only used when both are dead.
"""

import os
import select
import signal
from pathlib import Path

VARIABLE = "COUNTERMAND_TREE"
ROUND_SECONDS = 0.1
EMPTY_ROUNDS = 10
"""Whoever forks and ends all the time is easily missed: look often."""


def mark_of_tree(lock_path: Path, guardian: str, tree: int) -> str:
    """What every process of this tree has in its environment."""
    return f"{mark_of_lock(lock_path)}{guardian}#{tree}"


def mark_of_lock(lock_path: Path) -> str:
    """How the marks of all trees below this lock begin."""
    return f"{lock_path}#"


def kill_marked(beginning: str = "", *, exactly: str = "") -> int:
    """SIGKILL whoever shows such a mark, until nobody does. Blocks; says how many were hit."""
    wanted = f"\0{VARIABLE}={beginning or exactly}".encode() + (b"\0" if exactly else b"")
    hit = empty_rounds = 0
    while empty_rounds < EMPTY_ROUNDS:
        pidfds = _marked(wanted)
        empty_rounds = 0 if pidfds else empty_rounds + 1
        poll = select.poll()
        for pidfd in pidfds:
            poll.register(pidfd, select.POLLIN)
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                hit += 1
            except (ProcessLookupError, PermissionError):
                pass
        if pidfds:
            poll.poll(ROUND_SECONDS * 1000)
        for pidfd in pidfds:
            os.close(pidfd)
    return hit


def _marked(wanted: bytes) -> list[int]:
    """A pidfd of each process that shows it. What is dead shows nothing."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            # In this order, so that what is read belongs to this process, or the pidfd is dead.
            pidfd = os.pidfd_open(int(name))
        except OSError:
            continue
        try:
            environment = Path("/proc", name, "environ").read_bytes()
        except OSError:  # it is gone, or another user's
            environment = b""
        if wanted in b"\0" + environment:
            found.append(pidfd)
        else:
            os.close(pidfd)
    return found
