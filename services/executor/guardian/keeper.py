"""A keeper: its descendants are one process tree, and it lives until the last of them is gone.

Forked by the guardian, without exec. It kills its tree and ends when it is told to, when the
executor's end of its socket closes, and when the guardian is gone.
"""

import os
import select
import signal
import socket
import time

from . import wire
from .command import Command, fork_and_exec
from .kernel import become_subreaper, call_this_process
from .process_table import Process, descendants, kill, look, send
from .reaping import ChildWatch, collect, kill_until

WORD_SECONDS = 0.1
"""When a main process has ended, so long may the executor take to say that this was its doing: what
is left isn't asked to end before, as it may have been asked already."""
LEFTOVERS_SECONDS = 1.0
"""How long what a process leaves behind, having ended by itself, may take to end as well."""
LINGER_SECONDS = 0.005
TERMINATE_ROUNDS = 5
NO_SIGNAL = 0
"""To be sent to nobody's harm."""


class Keeper:
    """Starts one command, and keeps everything that comes of it."""

    def __init__(self, executor: socket.socket, guardian: int) -> None:
        self._executor = executor
        self._guardian = guardian
        """The pipe that ends with the guardian."""
        self._watch = ChildWatch()
        self._poll = select.poll()
        self._main = 0
        self._started_ticks = 0
        self._problem: int | None = None
        """The pipe that says how the start went, until it has."""
        self._failed = False
        self._status: int | None = None
        self._swept = False
        """The guardian's end was the main process's: how that ended says nothing about it."""
        self._told = False
        """That it has ended, while others of its tree haven't."""
        self._killed: int | None = None
        """How many ended by SIGKILL since we began to send it."""
        self._executor_asks = False
        self._asked: set[Process] = set()
        """Who got a SIGTERM of its own."""
        self._ask_at: float | None = None
        self._kill_at: float | None = None
        """When what the main process has left behind is asked to end, and when it is killed."""

    def keep(self, command: Command) -> None:
        """From the start of the command to the end of the last process of its tree."""
        call_this_process("cm-keeper")
        become_subreaper()
        try:
            self._main, self._problem = fork_and_exec(command)
            row = look(self._main)  # ours until we wait for it, dead or alive
            assert row is not None
            self._started_ticks = row.process.started_ticks
        except OSError as error:
            wire.tell(self._executor, wire.CANNOT_START, error=f"forking: {error.strerror}")
            return
        finally:
            for fd in command.fds.values():
                os.close(fd)  # the tree's alone: who reads from it waits for its end
        for fd in (self._executor.fileno(), self._guardian, self._watch.fd, self._problem):
            self._poll.register(fd, select.POLLIN)
        while not self._all_gone():
            if _is_due(self._ask_at):
                self._ask_at = None
                self._terminate()
            if _is_due(self._kill_at):
                self._kill()
                break
            ready = {fd for fd, _ in self._poll.poll(self._patience_milliseconds())}
            if self._watch.fd in ready:
                self._watch.drain()
                if self._all_gone():
                    break  # whatever else there is to hear
            if self._problem in ready:
                self._see_how_it_started()
            if self._guardian in ready:
                self._swept = self._status is None
                self._kill()
                break
            if self._executor.fileno() in ready and not self._obey():
                self._kill()
                break
        if not self._failed:
            status = None if self._swept else self._status
            wire.tell_gone(self._executor, status, self._killed or 0, "keeper")
            self._let_others_go_first()

    def _let_others_go_first(self) -> None:
        """A process that ends has a processor for a millisecond: whoever waits for the proof must
        not be queued behind that."""
        alone = select.poll()
        alone.register(self._guardian, select.POLLIN)
        alone.poll(LINGER_SECONDS * 1000)

    def _patience_milliseconds(self) -> float | None:
        due = [at for at in (self._ask_at, self._kill_at) if at is not None]
        return max(0.0, min(due) - time.monotonic()) * 1000 if due else None

    def _obey(self) -> bool:
        """Do what the executor says. False when that is to kill, or when there is no executor."""
        packet = wire.heard(self._executor)
        if packet is None:
            return True
        if packet not in (wire.TERMINATE, wire.TERMINATE_OTHERS):
            return False
        self._executor_asks = True
        self._ask_at = self._kill_at = None  # from now on the executor counts
        self._terminate(but_its_group=packet == wire.TERMINATE_OTHERS)
        return True

    def _see_how_it_started(self) -> None:
        """The start has succeeded, or it hasn't."""
        assert self._problem is not None
        problem = os.read(self._problem, wire.ERROR_CHARACTERS).decode(errors="replace")
        self._poll.unregister(self._problem)
        os.close(self._problem)
        self._problem = None
        if problem:
            self._failed = True
            wire.tell(self._executor, wire.CANNOT_START, error=problem)
            return
        wire.tell(
            self._executor,
            wire.STARTED,
            pid=self._main,
            started_ticks=self._started_ticks,
            keeper=os.getpid(),
        )
        self._rehearse()

    def _rehearse(self) -> None:
        """What a stop does, without effect: when it comes, its memory is no longer the guardian's,
        to be copied page by page while somebody waits."""
        self._to_main_group(NO_SIGNAL)
        descendants(os.getpid())

    def _terminate(self, *, but_its_group: bool = False) -> None:
        """Ask everybody in the tree, also those born while we ask, and those that are stopped.

        Nobody twice: some programs take that for impatience. `but_its_group`: the main process's,
        which somebody else has asked.
        """
        group = self._main if but_its_group else self._to_main_group(signal.SIGTERM, signal.SIGCONT)
        for _ in range(TERMINATE_ROUNDS):
            new = [
                row
                for row in descendants(os.getpid())
                if row.process not in self._asked and row.group != group
            ]
            if not new:
                return
            for row in new:
                send(row.process, signal.SIGTERM)
                send(row.process, signal.SIGCONT)
                self._asked.add(row.process)

    def _to_main_group(self, *signal_numbers: int) -> int | None:
        """First the main process and its group, which takes no search, while it has its pid."""
        if self._status is not None:
            return None
        try:
            for number in signal_numbers:
                os.killpg(self._main, number)
        except OSError:  # it has no group yet, or isn't ours to signal
            return None
        return self._main

    def _kill(self) -> None:
        self._killed = self._killed or 0
        kill_until(self._all_gone, self._kill_all, self._watch)

    def _kill_all(self) -> None:
        self._to_main_group(signal.SIGKILL)
        for row in descendants(os.getpid()):
            kill(row)

    def _all_gone(self) -> bool:
        all_gone = collect(self._ended)
        if self._status is not None and not (all_gone or self._told or self._swept):
            self._told = True
            wire.tell(self._executor, wire.EXITED, status=self._status)
        return all_gone

    def _ended(self, pid: int, status: int) -> None:
        if self._killed is not None and os.WIFSIGNALED(status):
            self._killed += os.WTERMSIG(status) == signal.SIGKILL
        if pid != self._main:
            return
        if self._problem is not None:
            self._see_how_it_started()
        self._status = status
        if self._failed:
            return
        if not self._executor_asks and self._killed is None:
            self._ask_at = time.monotonic() + WORD_SECONDS
            self._kill_at = time.monotonic() + LEFTOVERS_SECONDS


def _is_due(at: float | None) -> bool:
    return at is not None and time.monotonic() >= at
