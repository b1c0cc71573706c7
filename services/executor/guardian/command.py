"""Becoming somebody else's program: what the forked child does between fork and exec.

Runs in a process without threads. What goes wrong is written, as text, into a pipe that a
successful exec closes.
"""

import fcntl
import os
import signal
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from .kernel import die_with_parent

RESET = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
"""Python, guardian and keeper ignore some; others were ignored by whoever started the service: a
shell does that to what it starts in the background."""
BEYOND_ALL_FDS = max(os.sysconf("SC_OPEN_MAX"), 4096)
LOST_ITS_KEEPER = 126
CANNOT_EXEC = 127


class Command(NamedTuple):
    """What is to be started."""

    argv: list[str]
    env: Mapping[str, str]
    cwd: str | None
    fds: Mapping[int, int]
    """Number in the child -> our descriptor."""


def fork_and_exec(command: Command) -> tuple[int, int]:
    """The child's pid, and the pipe that ends when the program runs, or says why it can't."""
    keeper = os.getpid()
    problem, says_problem = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(problem)
        os.close(says_problem)
        raise
    if pid == 0:
        _become(command, keeper, says_problem)
    os.close(says_problem)
    return pid, problem


def _become(command: Command, keeper: int, says_problem: int) -> NoReturn:
    doing = "beginning a session"
    try:
        os.setsid()
        die_with_parent(signal.SIGKILL)
        if os.getppid() != keeper:  # it died before the kernel knew that this is to be told
            os._exit(LOST_ITS_KEEPER)
        doing = "passing descriptors"
        says_problem = _arrange(command.fds, says_problem)
        if command.cwd is not None:
            doing = f"entering the working directory {command.cwd!r}"
            os.chdir(command.cwd)
        doing = f"starting {command.argv[0]!r}"
        for number in RESET:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvpe(command.argv[0], command.argv, command.env)
    except BaseException as error:  # noqa: BLE001 - nothing of the keeper may go on in the child
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        os.write(says_problem, f"{doing}: {why}".encode(errors="replace"))
    finally:
        os._exit(CANNOT_EXEC)


def _arrange(fds: Mapping[int, int], says_problem: int) -> int:
    """Give each descriptor its number, standard streams something, and close the rest."""
    beyond = max((2, *fds)) + 1
    # First out of the way: a number that is wanted may be a descriptor that is still needed.
    says_problem = fcntl.fcntl(says_problem, fcntl.F_DUPFD_CLOEXEC, beyond)
    moved = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, beyond) for number, fd in fds.items()}
    nothing = fcntl.fcntl(os.open(os.devnull, os.O_RDWR), fcntl.F_DUPFD_CLOEXEC, beyond)
    for number in range(3):
        moved.setdefault(number, nothing)
    for number, fd in moved.items():
        os.dup2(fd, number, inheritable=True)
    for number in range(3, beyond):
        if number not in moved:
            os.closerange(number, number + 1)
    os.closerange(beyond, says_problem)
    os.closerange(says_problem + 1, BEYOND_ALL_FDS)
    return says_problem
