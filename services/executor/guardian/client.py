"""The executor's side: starts a guardian, has it start process trees, and hears how they end.

Nothing here polls: sockets and a pidfd wake the event loop.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import wire
from .process_table import look
from .successor import absolute, wait_until_gone
from .survivors import VARIABLE, mark_of_tree
from .tree import CannotStart, Gone, Tree, resolve

__all__ = ["CannotGuard", "CannotStart", "Gone", "Guardian", "Tree", "wait_until_gone"]

START_SECONDS = 10.0
"""For a guardian to be ready, and for a program to be executed."""


class CannotGuard(Exception):
    """The guardian can't do its work; the text says why."""


class Guardian:
    """A guardian process."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", control: socket.socket, lock_path: Path
    ) -> None:
        self._loop = asyncio.get_running_loop()
        row = look(process.pid)
        assert row is not None  # ours, and not yet waited for
        self.id = f"{process.pid}-{row.process.started_ticks}"
        self.pid = process.pid
        self.ending: asyncio.Future[None] = self._loop.create_future()
        """Resolved at the first sign that the guardian goes, for whatever reason: it obeys no more,
        and what it guards is being killed."""
        self.closed: asyncio.Future[None] = self._loop.create_future()
        """Resolved when it is gone."""
        self._process = process
        self._control = control
        self._lock_path = lock_path
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._numbers = itertools.count(1)
        self._sending = asyncio.Lock()
        self._trees: set[Tree] = set()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self._loop.add_reader(control.fileno(), self._hear)

    @classmethod
    async def start(
        cls, lock_path: Path, lease_until: float, python: str = sys.executable
    ) -> "Guardian":
        """A guardian that holds the lock. Raises `CannotGuard`.

        `lease_until` counts as `time.monotonic()` does, which on Linux is one clock for all
        processes.
        """
        lock_path = absolute(lock_path)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            try:
                process = _launch(python, theirs.fileno(), lock_path, lease_until)
            except OSError as error:
                ours.close()
                raise CannotGuard(f"starting {python!r}: {error.strerror}") from None
        guardian = cls(process, ours, lock_path)
        try:
            async with asyncio.timeout(START_SECONDS):
                await guardian._ready
        except BaseException as error:
            process.kill()
            await asyncio.shield(guardian.closed)
            if isinstance(error, TimeoutError):
                raise CannotGuard(f"the guardian wasn't ready within {START_SECONDS} s") from None
            raise
        return guardian

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None,
        fds: Mapping[int, int],
    ) -> Tree:
        """Start a command under a keeper of its own. Raises `CannotStart`.

        `fds` says which of our descriptors the command gets under which number; close yours
        afterwards. Standard streams that aren't named are /dev/null.
        """
        if not argv or any("\0" in word for word in (*argv, *env, *env.values())):
            raise CannotStart("a command has a name, and no null bytes")
        if len(fds) > wire.MOST_FDS:
            raise CannotStart(f"{len(fds)} descriptors are more than {wire.MOST_FDS}")
        mark = mark_of_tree(self._lock_path, self.id, next(self._numbers))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        tree = Tree(ours, mark, self._take_over)
        with theirs:
            try:
                async with asyncio.timeout(START_SECONDS):
                    command = {"argv": list(argv), "env": {**env, VARIABLE: mark}, "cwd": cwd}
                    await self._order(command, fds, theirs)
                    theirs.close()
                    await tree.started
            except BaseException as error:
                tree.abandon()
                if isinstance(error, TimeoutError):
                    raise CannotStart(f"not executed within {START_SECONDS} s") from None
                raise
        self._trees.add(tree)
        tree.gone.add_done_callback(lambda _: self._trees.discard(tree))
        return tree

    def renew(self, until: float) -> None:
        """Move the end of the lease."""
        if self._control.fileno() >= 0:
            wire.tell(self._control, wire.LEASE, until=until)

    def _take_over(self, keeper: int) -> None:
        if self._control.fileno() >= 0:
            wire.tell(self._control, wire.TAKE_OVER, keeper=keeper)
            self._wake()

    def _wake(self) -> None:
        """A tree that wants to live on may have stopped it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGCONT)

    async def close(self, timeout_seconds: float) -> None:
        """Have what is left killed, and wait until the guardian is gone. Raises `TimeoutError`."""
        if self._control.fileno() >= 0:
            with contextlib.suppress(OSError):  # it just died
                self._control.shutdown(socket.SHUT_WR)
            self._wake()
        async with asyncio.timeout(timeout_seconds):
            await asyncio.shield(self.closed)
            await asyncio.gather(*(asyncio.shield(tree.gone) for tree in self._trees))

    async def _order(
        self, command: Mapping[str, object], fds: Mapping[int, int], theirs: socket.socket
    ) -> None:
        in_memory = wire.in_memory(command)
        try:
            packet = wire.encoded(wire.SPAWN, numbers=list(fds))
            async with self._sending:
                while not self._sent(packet, [theirs.fileno(), in_memory, *fds.values()]):
                    await self._room()
        finally:
            os.close(in_memory)

    def _sent(self, packet: bytes, fds: Sequence[int]) -> bool:
        if self._control.fileno() < 0:
            raise CannotStart("the guardian is gone")
        try:
            socket.send_fds(self._control, [packet], fds)
        except BlockingIOError:
            return False
        except OSError as error:
            raise CannotStart(f"telling the guardian: {error.strerror}") from None
        return True

    async def _room(self) -> None:
        """Returns when the guardian may take more."""
        writable: asyncio.Future[None] = self._loop.create_future()
        fd = self._control.fileno()
        self._loop.add_writer(fd, resolve, writable, None)
        try:
            await writable
        finally:
            self._loop.remove_writer(fd)

    def _hear(self) -> None:
        packet = wire.heard(self._control)
        if packet is None:
            return
        if not packet:
            self._loop.remove_reader(self._control.fileno())
            resolve(self.ending, None)  # `_ended` follows
            return
        words = wire.decoded(packet)
        if words["what"] == wire.READY:
            resolve(self._ready, None)
        elif not self._ready.done():
            self._ready.set_exception(CannotGuard(words["error"]))

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()  # it is a zombie: this doesn't block
        self._loop.remove_reader(self._control.fileno())
        self._loop.remove_writer(self._control.fileno())
        self._control.close()
        if not self._ready.done():
            code = self._process.returncode
            self._ready.set_exception(CannotGuard(f"the guardian ended with code {code}"))
        resolve(self.ending, None)
        resolve(self.closed, None)


def _launch(
    python: str, control: int, lock_path: Path, lease_until: float
) -> "subprocess.Popen[bytes]":
    program = str(Path(__file__).with_name("__main__.py"))
    return subprocess.Popen(
        [python, "-I", "-S", "-X", "utf8", program, str(control), str(lock_path), str(lease_until)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(control,),
        start_new_session=True,
        cwd="/",
    )
