"""The guardian: forks a keeper for each process tree, and has all of them kill when it is time.

It is time when the executor's end of the socket closes (it died, however) and when the lease is
over (it is stopped, or cut off). A keeper that dies without having finished leaves its tree to the
guardian, which kills every child that is no keeper, and says in the keeper's place that the tree is
gone.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Collection, Sequence

from . import wire
from .command import BEYOND_ALL_FDS, Command
from .keeper import Keeper
from .kernel import become_subreaper, call_this_process
from .lock import LockIsHeld, hold
from .process_table import children, descendants, kill
from .reaping import LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS, ChildWatch, collect

LOCK_SECONDS = 2.0
"""How long to wait for the lock of a predecessor that is about to be gone."""
KEEPERS_SECONDS = 0.5
"""How long keepers may take to kill their trees before the guardian does it itself."""
LONGEST_POLL_SECONDS = 3600.0


class Guardian:
    """The keepers, and the sockets on which the executor hears of their trees."""

    def __init__(self, executor: socket.socket, lock: int, lease_until: float) -> None:
        self._executor = executor
        self._lock = lock
        self._lease_until = lease_until
        self._watch = ChildWatch()
        self._alive, self._liveness = os.pipe()
        """Keepers read the one end; the other closes with this process."""
        self._keepers: dict[int, socket.socket] = {}
        self._unproved: list[socket.socket] = []
        """Of trees whose keepers died."""
        self._swept = 0
        """How many the guardian itself had to kill for them."""
        self._sweep_again_seconds = SHORTEST_WAIT_SECONDS

    def guard(self) -> None:
        """Until the executor is gone, or its lease."""
        poll = select.poll()
        poll.register(self._executor, select.POLLIN)
        poll.register(self._watch.fd, select.POLLIN)
        while True:
            left_seconds = self._lease_until - time.monotonic()
            if left_seconds <= 0 and not self._renewed():
                return
            wait_seconds = min(max(0.0, left_seconds), LONGEST_POLL_SECONDS)
            if self._unproved:
                wait_seconds = min(wait_seconds, self._sweep_again_seconds)
            ready = {fd for fd, _ in poll.poll(wait_seconds * 1000)}
            if self._watch.fd in ready or self._unproved:
                self._watch.drain()
                self._sweep()
            if self._executor.fileno() in ready and not self._obey():
                return

    def finish(self) -> None:
        """Have every tree killed, and wait until the last one is gone."""
        self._executor.close()
        os.close(self._liveness)
        force_at = time.monotonic() + KEEPERS_SECONDS
        while not self._sweep():
            left_seconds = force_at - time.monotonic()
            if left_seconds <= 0:
                # Stopped, stuck or hopeless: what they leave is swept.
                for pid in self._keepers:
                    os.kill(pid, signal.SIGKILL)
            if self._unproved:
                self._watch.wait(self._sweep_again_seconds)
            else:
                self._watch.wait(max(left_seconds, LONGEST_WAIT_SECONDS))

    def _renewed(self) -> bool:
        """Whether a renewal came while this process wasn't running (stopped, or starved)."""
        while self._lease_until <= time.monotonic():
            poll = select.poll()
            poll.register(self._executor, select.POLLIN)
            if not poll.poll(0) or not self._obey():
                return False
        return True

    def _obey(self) -> bool:
        """Do what the executor says. False when there is no executor."""
        try:
            packet, fds = wire.receive(self._executor)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not packet:
            return False
        words = wire.decoded(packet)
        if words["what"] == wire.LEASE:
            self._lease_until = max(self._lease_until, words["until"])
        elif words["what"] == wire.SPAWN:
            self._spawn(words["numbers"], fds)
        elif words["what"] == wire.TAKE_OVER and words["keeper"] in self._keepers:
            os.kill(words["keeper"], signal.SIGKILL)  # what it leaves is swept
        return True

    def _spawn(self, numbers: Sequence[int], fds: Sequence[int]) -> None:
        if not fds:
            return  # not even room for the tree's socket: the kernel has closed it, which says so
        tree = socket.socket(fileno=fds[0])
        if len(fds) < 2 + len(numbers):
            error = "the guardian has too many open files: raise its limit, or run less at a time"
            wire.tell(tree, wire.CANNOT_START, error=error)
            tree.close()
            _close(fds[1:])
            return
        try:
            pid = os.fork()
        except OSError as error:
            wire.tell(tree, wire.CANNOT_START, error=f"forking a keeper: {error.strerror}")
            tree.close()
            _close(fds[1:])
            return
        if pid == 0:
            self._become_keeper(tree, numbers, fds[1:])
        _close(fds[1:])
        self._keepers[pid] = tree

    def _become_keeper(
        self, tree: socket.socket, numbers: Sequence[int], fds: Sequence[int]
    ) -> None:
        """In the forked child; doesn't return."""
        code = 1
        try:
            _close_all_but({0, 1, 2, tree.fileno(), self._alive, self._lock, *fds})
            words = wire.from_memory(fds[0])
            command = Command(
                words["argv"], words["env"], words["cwd"], dict(zip(numbers, fds[1:], strict=True))
            )
            Keeper(tree, self._alive).keep(command)
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, the guardian's code must not go on here
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def _sweep(self) -> bool:
        """Collect the dead, and kill what keepers have left. True when nobody is left."""
        nobody = collect(self._ended)
        if not self._unproved:
            return nobody
        if not nobody and self._orphans():
            for row in descendants(os.getpid(), except_below=self._keepers):
                kill(row)
            self._sweep_again_seconds = min(2 * self._sweep_again_seconds, LONGEST_WAIT_SECONDS)
            return False
        for tree in self._unproved:
            wire.tell_gone(tree, None, self._swept, "guardian")
            tree.close()
        self._unproved.clear()
        self._swept = 0
        self._sweep_again_seconds = SHORTEST_WAIT_SECONDS
        return nobody

    def _orphans(self) -> bool:
        """Whether anybody is left that no keeper keeps."""
        # Two looks: while one child ends, the kernel's list may leave out another.
        return any(pid not in self._keepers for _ in range(2) for pid in children(os.getpid()))

    def _ended(self, pid: int, status: int) -> None:
        tree = self._keepers.pop(pid, None)
        if tree is None:
            self._swept += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        elif status == 0:
            tree.close()
        else:
            self._unproved.append(tree)


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


def _close_all_but(kept: Collection[int]) -> None:
    ends = sorted(kept)
    for low, high in zip(ends, [*ends[1:], BEYOND_ALL_FDS], strict=True):
        os.closerange(low + 1, high)


def main(arguments: Sequence[str]) -> int:
    fd, lock_path, lease_until = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Meant for everybody at once (a terminal, a service manager); the executor decides.
        signal.signal(number, signal.SIG_IGN)
    call_this_process("cm-guardian")
    executor = socket.socket(fileno=int(fd))
    executor.set_inheritable(False)
    try:
        children(os.getpid())
        become_subreaper()
        lock = hold(lock_path, LOCK_SECONDS)
    except LockIsHeld:
        wire.tell(
            executor,
            wire.CANNOT_GUARD,
            error=f"{lock_path} is locked: process trees of an earlier guardian are still alive",
        )
        return 1
    except OSError as error:
        wire.tell(executor, wire.CANNOT_GUARD, error=str(error))
        return 1
    gc.freeze()  # what is here now is shared with the keepers, as long as nobody writes to it
    wire.tell(executor, wire.READY)
    guardian = Guardian(executor, lock, float(lease_until))
    guardian.guard()
    guardian.finish()
    return 0
