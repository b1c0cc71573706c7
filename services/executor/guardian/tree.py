"""A process tree, as the executor sees it: what its keeper says, and whoever knows when the
keeper dies."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import wire
from .process_table import Process, opened, send_through
from .successor import answered_by_thread
from .survivors import kill_marked

KEEPER_SECONDS = 2.0
"""How long a keeper may leave a request to kill unanswered before the guardian takes over."""
OTHERS_SECONDS = 0.002
"""So long after its main process's group the others of a tree are asked to end: much less than
`keeper.WORD_SECONDS`."""
KILLED_STATUS = int(signal.SIGKILL)


class CannotStart(Exception):
    """The command can't be started; the text says why."""


class Gone(NamedTuple):
    """The proof that nothing of a tree is left."""

    status: int | None
    """The main process's wait status; None when it was killed for its guardian's sake (that was
    killed, or its lease was over), or when nobody who knew lived to tell."""
    killed: int
    """How many processes ended by SIGKILL since it was first sent."""
    by: str
    """Who knows. `keeper`: the tree's own, which had no child left; `guardian`, its heir, which had
    none; `search`: both were killed, and no process shows the tree's mark (see `survivors`)."""


class Tree:
    """A process and everything that descends from it."""

    def __init__(self, sock: socket.socket, mark: str, take_over: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        self.pid = 0
        self.started_at = 0.0
        """Seconds since the epoch, as in process listings."""
        self.exited: asyncio.Future[int] = loop.create_future()
        """The main process's wait status. What it started may still be alive.

        A main process that ends by itself leaves its descendants a second to end as well, then they
        are killed. After `terminate` nobody is killed unless you say so.
        """
        self.gone: asyncio.Future[Gone] = loop.create_future()
        self.started: asyncio.Future[None] = loop.create_future()
        self._sock = sock
        self._mark = mark
        self._loop = loop
        self._take_over = take_over
        """Has the guardian kill a keeper, and then its tree."""
        self._keeper = 0
        self._main: int | None = None
        """The main process's pidfd."""
        self._asking: asyncio.TimerHandle | None = None
        self._killing: asyncio.TimerHandle | None = None
        loop.add_reader(sock.fileno(), self._hear)

    def terminate(self) -> None:
        """SIGTERM to every process of the tree.

        To its main process's group from here: a stop should wait for nobody else to wake up. Most
        trees are gone before their keeper would have had to be woken for the others.
        """
        if self._main is not None and send_through(self._main, signal.SIGTERM, to_its_group=True):
            send_through(self._main, signal.SIGCONT, to_its_group=True)
            self._asking = self._loop.call_later(OTHERS_SECONDS, self._say, wire.TERMINATE_OTHERS)
        else:
            self._say(wire.TERMINATE)

    def kill(self) -> None:
        """SIGKILL to every process of the tree, until none is left."""
        if self._killing is None and not self.gone.done():
            self._say(wire.KILL)
            self._have_it_taken_over()

    def _have_it_taken_over(self) -> None:
        """If the keeper doesn't do it; again and again, as whoever is stopped may be stopped
        again."""

        def now() -> None:
            self._take_over(self._keeper)
            self._have_it_taken_over()

        self._killing = self._loop.call_later(KEEPER_SECONDS, now)

    def abandon(self) -> None:
        """Have it killed without hearing of it. Only for a start that nobody waits for any more."""
        self._close()
        if self.started.done() and not self.started.cancelled():
            self.started.exception()  # heard too late to be of interest

    def _say(self, packet: bytes) -> None:
        if self._sock.fileno() >= 0:
            wire.send(self._sock, packet)

    def _hear(self) -> None:
        while self._sock.fileno() >= 0:
            packet = wire.heard(self._sock)
            if packet is None:
                return
            if packet.startswith(wire.GONE):
                self._end(*wire.gone(packet))
            elif packet:
                self._learn(wire.decoded(packet))
            else:
                self._close()
                self._search()

    def _learn(self, words: dict[str, Any]) -> None:
        match words["what"]:
            case wire.STARTED:
                self.pid = words["pid"]
                self.started_at = _since_epoch(words["started_ticks"])
                self._keeper = words["keeper"]
                with contextlib.suppress(OSError):  # no more descriptors: its keeper will ask
                    self._main = opened(Process(self.pid, words["started_ticks"]))
                resolve(self.started, None)
            case wire.CANNOT_START:
                self._close()
                if not self.started.done():
                    self.started.set_exception(CannotStart(words["error"]))
            case wire.EXITED:
                resolve(self.exited, words["status"])
            case other:
                raise AssertionError(f"a keeper of another release says {other!r}")

    def _search(self) -> None:
        """Keeper and guardian are both dead, and can't have told: only they had the other end."""
        searched = answered_by_thread(lambda: kill_marked(exactly=self._mark))
        searched.add_done_callback(lambda _: self._end(None, searched.result(), "search"))

    def _end(self, status: int | None, killed: int, by: str) -> None:
        self._close()
        if status is None and self.exited.done():
            status = self.exited.result()
        # Unknown: but with its keeper the kernel kills the main process, if it still was alive.
        resolve(self.exited, KILLED_STATUS if status is None else status)
        resolve(self.gone, Gone(status, killed, by))
        if not self.started.done():
            self.started.set_exception(CannotStart("keeper or guardian died, or had no room"))

    def _close(self) -> None:
        for timer in (self._asking, self._killing):
            if timer is not None:
                timer.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
        if self._main is not None:
            os.close(self._main)
            self._main = None


def resolve(future: "asyncio.Future[Any]", result: object) -> None:
    if not future.done():
        future.set_result(result)


def _since_epoch(started_ticks: int) -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) + started_ticks / os.sysconf("SC_CLK_TCK")
    raise OSError("/proc/stat has no btime")
