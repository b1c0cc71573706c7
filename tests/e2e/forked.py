"""Processes of the command line that begin in milliseconds: forked from one that has loaded it.

For proofs that kill very often. What runs is the same code in a process of its own; only the
loading of modules is shared.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.e2e.running import REPOSITORY, Running


class Nursery:
    """The process that has loaded the command line, and forks."""

    def __enter__(self) -> "Nursery":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def begin(
        self, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
    ) -> int:
        """A new process of the command line; its id."""
        order = {"arguments": list(arguments), "environment": dict(environment)}
        return self._ask({**order, "out": str(out), "err": str(err)})

    def wait(self, pid: int) -> int:
        """The exit code of one that it began; minus the signal, if one ended it."""
        return self._ask({"wait": pid})

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], out: Path) -> int:
        err = out.with_suffix(".err")
        for path in (out, err):
            path.unlink(missing_ok=True)
        return self.wait(self.begin(arguments, environment, out, err))

    def _ask(self, order: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


class Forked(Running):
    """`countermand up`, from a nursery."""

    def __init__(
        self, folder: Path, nursery: Nursery, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, environment=environment)
        self._nursery = nursery
        self._pid = 0
        self._says: IO[str] | None = None

    def start(self) -> None:
        out = self.folder / "says"
        out.unlink(missing_ok=True)
        os.mkfifo(out)
        arguments = ["up", "--data", str(self.data), "--port", "0", "--log-format", "json"]
        self._pid = self._nursery.begin(arguments, self._environment, out, self.folder / "stderr")
        self._says = open(out)  # noqa: SIM115 (closed when the process has ended)
        self.hear(self._says)

    @property
    def pid(self) -> int:
        return self._pid

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        os.kill(self._pid, signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        code = self._nursery.wait(self._pid)
        if self._says is not None:
            self._says.close()
        return code


def serve() -> None:
    """In the nursery itself: an order a line, an answer a line."""
    for module in ("countermand.cli.serving", "services.composition"):
        import_module(module)  # Once, for all that are forked.

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            live(order)
        print(pid, flush=True)


def live(order: Mapping[str, object]) -> None:
    """In the child: become a command of the command line."""
    code = 1
    try:
        for number, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, str(order["out"]), os.O_WRONLY | os.O_CREAT),
            (2, str(order["err"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            file = os.open(name, flags, 0o600)
            os.dup2(file, number)
            os.close(file)
        environment, arguments = order["environment"], order["arguments"]
        assert isinstance(environment, dict)
        assert isinstance(arguments, list)
        os.environ.update(environment)
        sys.argv = ["countermand", *arguments]

        from countermand.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
