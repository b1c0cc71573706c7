"""Processes of the command line, begun in milliseconds: forked from one that has loaded it.

What runs is the same code in a process of its own; only the loading of modules is shared. That the
command itself starts is shown by the tests of the README, of `countermand demo`, and of whatever
runs in a network of its own.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).parents[2]
COMMAND_SECONDS = 60.0
STOP_SECONDS = 30.0

LOADED = {
    "up": ("countermand.cli.serving", "services.composition"),
    **{
        name: ("countermand.cli.alone", f"services.on_kafka.{name}")
        for name in ("gateway", "executor", "projector", "watchdog")
    },
    "bridge": ("countermand.cli.serving", "services.bridge.bridge"),
}
"""By command: what the nursery loads before the first one is forked."""


def environment_here() -> dict[str, str]:
    """Without the addresses that other tests are given: a service is told its own."""
    shared = ("COUNTERMAND_KAFKA", "COUNTERMAND_POSTGRES")
    return {name: value for name, value in os.environ.items() if name not in shared}


class Command:
    """One process."""

    def __init__(self, pid: int, reap: Callable[[], int]) -> None:
        self.pid = pid
        self._reap = reap
        self._code: int | None = None

    @property
    def alive(self) -> bool:
        return self._code is None and not self._ends_within(0)

    def send(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code; minus the signal, if one ended it."""
        if self._code is None:
            if not self._ends_within(seconds):
                raise TimeoutError(f"process {self.pid} goes on")
            self._code = self._reap()
        return self._code

    def kill(self) -> int:
        """SIGKILL; returns when it is gone."""
        self.send(signal.SIGKILL)
        return self.wait()

    def _ends_within(self, seconds: float) -> bool:
        ends = os.pidfd_open(self.pid)
        try:
            return bool(select.select([ends], [], [], seconds)[0])
        finally:
            os.close(ends)


def begin(
    arguments: Sequence[str],
    out: Path,
    err: Path,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> Command:
    """A new process of the command line. `within`: a command that runs it somewhere else."""
    given = {**environment_here(), **(environment or {})}
    if not within:
        return nursery().begin(arguments, given, out, err)
    with open(out, "w") as says, open(err, "a") as complains:
        process = subprocess.Popen(
            [*within, sys.executable, "-m", "countermand.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=says,
            stderr=complains,
            env=given,
            cwd=REPOSITORY,
        )
    return Command(process.pid, process.wait)


def begin_heard(
    arguments: Sequence[str],
    err: Path,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> tuple[Command, IO[str]]:
    """The same, and what it prints as it prints it; to be closed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        os.mkfifo(out)
        # For reading and writing: neither of the two waits for the other to open its end.
        number = os.open(out, os.O_RDWR)
        try:
            command = begin(arguments, out, err, environment, within)
            return command, open(out)
        finally:
            os.close(number)


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    seconds: float = COMMAND_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        command = begin(arguments, out, err, environment)
        try:
            code = command.wait(seconds)
        except TimeoutError:
            command.kill()
            raise AssertionError(f"{arguments} goes on: {err.read_text()}") from None
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


# ── the one that has loaded it ────────────────────────────────────────────────────────────────────


class Nursery:
    """Seen from the tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.commands"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment_here(),
        )
        self._one_at_a_time = threading.Lock()

    def begin(
        self, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
    ) -> Command:
        order = {"arguments": list(arguments), "environment": dict(environment)}
        pid = self._ask({**order, "out": str(out), "err": str(err)})
        return Command(pid, lambda: self._ask({"reap": pid}))

    def _ask(self, order: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            return int(self._process.stdout.readline())

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def nursery() -> Nursery:
    """One for all tests of this process."""
    one = Nursery()
    atexit.register(one.end)
    return one


def serve() -> None:
    """In the nursery itself: an order a line, an answer a line."""
    left: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            _, status = os.waitpid(order["reap"], 0)
            left.discard(order["reap"])
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        for module in LOADED.get(order["arguments"][0], ()):
            import_module(module)
        hears, tells = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hears)
            live(order, tells)
        os.close(tells)
        os.read(hears, 1)  # Its files are open now, or it is gone.
        os.close(hears)
        left.add(pid)
        print(pid, flush=True)
    for pid in left:
        os.kill(pid, signal.SIGKILL)  # Nobody is there any more who could end it.


def live(order: Mapping[str, object], tells: int) -> None:
    """In the child: become a command of the command line. `tells` is closed when its files are
    open."""
    code = 1
    try:
        for number, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, str(order["out"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, str(order["err"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            file = os.open(name, flags, 0o600)
            os.dup2(file, number)
            os.close(file)
        os.close(tells)
        environment, arguments = order["environment"], order["arguments"]
        assert isinstance(environment, dict)
        assert isinstance(arguments, list)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["countermand", *arguments]

        from countermand.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except Exception:  # noqa: BLE001 (said as the interpreter would have)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
