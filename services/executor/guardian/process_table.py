"""Who descends from whom, and signals that can't hit a stranger.

A process is its pid *and* its start time: pids are used again. A signal goes through a pidfd, whose
process is compared with the one that was meant after the pidfd was opened: from then on it can't
change.
"""

import errno
import os
import signal
from collections.abc import Iterable
from typing import NamedTuple

from .kernel import TO_THE_GROUP

READ_BYTES = 16_384


class Process(NamedTuple):
    """One process, for ever."""

    pid: int
    started_ticks: int
    """Since boot, in clock ticks."""


class Row(NamedTuple):
    """What the kernel says of a process."""

    process: Process
    parent: int
    group: int
    state: str


def look(pid: int) -> Row | None:
    """The process that has this pid now."""
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    # The name stands in parentheses, and may contain any byte, also parentheses.
    state, parent, group, *rest = text[text.rindex(b")") + 2 :].split()
    return Row(Process(pid, int(rest[16])), int(parent), int(group), state.decode())


def children(pid: int) -> list[int]:
    """The children of all threads of a process. May miss some while they come and go: ask again."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return found
    for thread in threads:
        found.extend(map(int, _read(f"/proc/{pid}/task/{thread}/children").split()))
    return found


def _read(path: str) -> bytes:
    """All of it; nothing when the process is gone. Cheaper than a file object: a cancel waits."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        text = part = os.read(fd, READ_BYTES)
        while len(part) == READ_BYTES:
            part = os.read(fd, READ_BYTES)
            text += part
        return text
    except ProcessLookupError:
        return b""
    finally:
        os.close(fd)


def descendants(ancestor: int, except_below: Iterable[int] = ()) -> list[Row]:
    """Everybody below a process that reaps its orphans, parents before their children.

    `except_below` are children to leave out, with all that is below them.
    """
    left_out = set(except_below)
    found: list[Row] = []
    open_ends = [ancestor]
    for parent in open_ends:
        for pid in children(parent):
            row = look(pid)
            # An orphan has moved up to the ancestor in the meantime; anybody else is a stranger
            # that got the pid of a process that has ended.
            if row is not None and row.parent in (parent, ancestor) and pid not in left_out:
                left_out.add(pid)
                found.append(row)
                open_ends.append(pid)
    return found


def opened(process: Process) -> int | None:
    """A pidfd of exactly this process. None when it is gone, whoever has its pid now."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    row = look(process.pid)
    if row is None or row.process != process:
        os.close(pidfd)
        return None
    return pidfd


def send(process: Process, signal_number: int, *, to_its_group: bool = False) -> bool:
    """Signal exactly this process. False when it is gone, whoever has its pid now, or out of
    reach."""
    pidfd = opened(process)
    if pidfd is None:
        return False
    try:
        return send_through(pidfd, signal_number, to_its_group=to_its_group)
    finally:
        os.close(pidfd)


def send_through(pidfd: int, signal_number: int, *, to_its_group: bool = False) -> bool:
    """False when that process (or the group it leads) is gone, out of reach, or has no group that
    this kernel could reach so."""
    try:
        # `flags` can't be given by name.
        signal.pidfd_send_signal(pidfd, signal_number, None, TO_THE_GROUP if to_its_group else 0)
    except ProcessLookupError:
        return False
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EINVAL):
            return False
        raise
    return True


def kill(row: Row) -> None:
    """SIGKILL it, and the process group it leads: at once, so that the group can't outrun us by
    forking.

    A group never reaches beyond its session, and every session below a keeper was begun below it.
    """
    if row.group == row.process.pid and row.state != "Z":
        send(row.process, signal.SIGKILL, to_its_group=True)
    send(row.process, signal.SIGKILL)
