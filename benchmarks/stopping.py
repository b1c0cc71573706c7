"""From the append of a cancel to the end of its run, in the whole embedded service without HTTP.

Beside the least that any durable stop must do: one commit, one message to another process that
stops something, one message back, one commit.
"""

import asyncio
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import uvloop

from benchmarks.figures import Figure, Measurement, at_most
from benchmarks.folder import folder_on_disk
from events.body import Actor
from events.cancel_events import CancelRequested, TaskCancelled
from events.positions import Frontier
from events.run_events import TaskStarted
from events.state import Root
from events.task_events import TaskSubmitted
from events.words import Verdict
from projections.entry import Entry
from services.composition import Embedded, make_embedded, run_embedded
from services.executor.settings import Command, ExecutorSettings
from services.ledger import Ledger
from services.settings import GatewaySettings, Settings
from services.voice import Voice
from services.world import real_world

Kind = Literal["tasks", "processes"]

RUNS = 500
WARM_UP_RUNS = 20
PATIENCE_SECONDS = 20.0
USER = Actor(kind="user", id="ada", organization="acme", authenticated_by="api_key")


class Times(NamedTuple):
    """Milliseconds, of each run."""

    to_stopped: Sequence[float]
    to_durable: Sequence[float]


class Onlooker:
    """Hears the entries of one task at a time."""

    def __init__(self) -> None:
        self._task_id = ""
        self._waiting: dict[type[TaskStarted | TaskCancelled], asyncio.Future[float]] = {}

    def expect(self, task_id: str) -> None:
        self._task_id = task_id
        loop = asyncio.get_running_loop()
        self._waiting = {TaskStarted: loop.create_future(), TaskCancelled: loop.create_future()}

    async def saw(self, body: type[TaskStarted | TaskCancelled]) -> float:
        """When it was heard, on the clock of all processes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._waiting[body]

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        return

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            event = entry.event
            if (
                event is not None
                and event.subject == self._task_id
                and entry.outcome.verdict is Verdict.EFFECTIVE
                and isinstance(event.data, TaskStarted | TaskCancelled)
            ):
                self._waiting[type(event.data)].set_result(time.monotonic())

    async def room(self) -> None:
        return


class Service(NamedTuple):
    embedded: Embedded
    voice: Voice
    onlooker: Onlooker


@asynccontextmanager
async def a_service(folder: Path) -> AsyncIterator[Service]:
    """Everything that `countermand up` runs."""
    pid_file = folder / "pid"
    command = Command(argv=("sh", "-c", f"echo $$ > {pid_file}; exec sleep 600"))
    settings = Settings(
        data=folder / "data",
        gateway=GatewaySettings(port=0),
        executor=ExecutorSettings(
            modules=("benchmarks.timed_handlers",),
            module_paths=(Path.cwd(),),
            commands={"sleeps": command},
        ),
    )
    world = real_world()
    async with AsyncExitStack() as opened:
        embedded = await make_embedded(settings, world, opened)
        onlooker = Onlooker()
        add_listener(embedded.ledger, onlooker)
        stopping, listening = asyncio.Event(), asyncio.Event()
        voice = Voice(embedded.history, world, source="benchmark", region="local")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_embedded(embedded, stopping, lambda _: listening.set()))
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await listening.wait()
                    await embedded.executor.working.wait()
                yield Service(embedded, voice, onlooker)
            finally:
                stopping.set()


def add_listener(ledger: Ledger, onlooker: Onlooker) -> None:
    ledger._listeners = (*ledger._listeners, onlooker)


async def ours(folder: Path, kind: Kind, runs: int) -> Times:
    to_stopped, to_durable = [], []
    stopped_file = folder / "stopped"
    stopped_file.touch()
    async with a_service(folder) as service:
        for number in range(runs + WARM_UP_RUNS):
            task_id = f"{kind}-{number}"
            ended = await started(service, folder, kind, task_id)
            body = CancelRequested(actor=USER, reason="measured")
            event = service.voice.event(body, subject=task_id, organization="acme")
            began = time.monotonic()
            await service.voice.say(event)
            durable_at = await service.onlooker.saw(TaskCancelled)
            stopped_at = await ended()
            if number >= WARM_UP_RUNS:
                to_stopped.append((stopped_at - began) * 1000)
                to_durable.append((durable_at - began) * 1000)
    return Times(to_stopped, to_durable)


async def started(
    service: Service, folder: Path, kind: Kind, task_id: str
) -> Callable[[], Awaitable[float]]:
    """Have a task run; the answer tells when it has ended."""
    service.onlooker.expect(task_id)
    pid_file, stopped_file = folder / "pid", folder / "stopped"
    pid_file.unlink(missing_ok=True)
    lines = len(stopped_file.read_text().splitlines())
    what = (
        ("timed", {"file": str(stopped_file), "says_when_it_begins": "yes"})
        if kind == "tasks"
        else ("sleeps", {})
    )
    body = TaskSubmitted(actor=USER, kind=what[0], payload=dict(what[1]))
    await service.voice.say(service.voice.event(body, subject=task_id, organization="acme"))
    await service.onlooker.saw(TaskStarted)
    if kind == "tasks":
        await written(stopped_file, lines + 1)

        async def told() -> float:
            return int(stopped_file.read_text().splitlines()[lines + 1]) / 1e9

        return told
    await written(pid_file, 1)
    return ended_process(int(pid_file.read_text()))


async def written(file: Path, lines: int) -> None:
    """Another process writes the file: nothing tells when it has."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while lines_of(file) < lines:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def lines_of(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def ended_process(pid: int) -> Callable[[], Awaitable[float]]:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[float] = loop.create_future()
    pidfd = os.pidfd_open(pid)

    def note() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        ended.set_result(time.monotonic())

    loop.add_reader(pidfd, note)

    async def told() -> float:
        return await ended

    return told


def least(folder: Path, kind: Kind, runs: int) -> Times:
    """The limit, run by run."""
    to_stopped, to_durable = [], []
    with plain_table(folder) as commit, bare_stopper(kind) as ask:
        for number in range(runs + WARM_UP_RUNS):
            assert ask(b"start\n") == b"started\n"
            began = time.monotonic()
            commit()
            stopped_at = int(ask(b"stop\n")) / 1e9
            commit()
            durable_at = time.monotonic()
            if number >= WARM_UP_RUNS:
                to_stopped.append((stopped_at - began) * 1000)
                to_durable.append((durable_at - began) * 1000)
    return Times(to_stopped, to_durable)


@contextmanager
def plain_table(folder: Path) -> Iterator[Callable[[], None]]:
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, state BLOB)")
    state = b"x" * 600

    def commit() -> None:
        connection.execute("INSERT INTO events (state) VALUES (?)", (state,))

    try:
        yield commit
    finally:
        connection.close()


@contextmanager
def bare_stopper(kind: Kind) -> Iterator[Callable[[bytes], bytes]]:
    near, far = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_stopper", kind, str(far.fileno())],
        pass_fds=(far.fileno(),),
    )
    far.close()
    lines = near.makefile("rwb", buffering=0)

    def ask(words: bytes) -> bytes:
        lines.write(words)
        return lines.readline()

    try:
        yield ask
    finally:
        lines.close()
        near.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


@cache
def both(kind: Kind) -> tuple[Times, Times]:
    """Measured once for all figures of a kind: the limit before and after, as machines drift."""
    with folder_on_disk() as folder:
        home = folder.resolve()
        for name in ("before", "service", "after"):
            (home / name).mkdir()
        before = least(home / "before", kind, RUNS // 2)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            measured = runner.run(ours(home / "service", kind, RUNS))
        after = least(home / "after", kind, RUNS // 2)
        limit = Times(
            [*before.to_stopped, *after.to_stopped], [*before.to_durable, *after.to_durable]
        )
        return measured, limit


def compared(kind: Kind, moment: int, quantile: float) -> Measurement:
    measured, limit = (of_rank(times[moment], quantile) for times in both(kind))
    return Measurement(measured, limit, "ms", measured / limit)


def of_rank(values: Sequence[float], quantile: float) -> float:
    return statistics.quantiles(values, n=100)[round(quantile * 100) - 1]


def figure(kind: Kind, moment: int, quantile: float, target: float) -> Figure:
    what = {"tasks": "async handler", "processes": "process"}[kind]
    until = ("it has stopped", "TaskCancelled durable")[moment]
    rank = "median" if quantile == 0.5 else f"p{quantile * 100:.0f}"
    return Figure(
        name=f"cancel of a running {what} to {until}: {rank}",
        beside="one commit, a message to a bare stopper"
        + (", one back, one commit" if moment else ""),
        target=at_most(target),
        measure=lambda: compared(kind, moment, quantile),
    )


KINDS: tuple[Kind, ...] = ("tasks", "processes")

FIGURES = [
    figure(kind, moment, quantile, target)
    for kind in KINDS
    for moment in (0, 1)
    for quantile, target in ((0.5, 2.0), (0.99, 4.0))
]
