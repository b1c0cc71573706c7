"""From the append of a cancel to the end of its run, in the whole embedded service without HTTP.

Beside the least that any durable stop must do (see `bare_stop`), in turns with it: after the same
pause, as a processor that has been idle is slow at first.
"""

import asyncio
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
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
from services.composition import make_embedded
from services.embedded import Embedded, run_embedded
from services.executor.settings import Command, ExecutorSettings
from services.ledger import Ledger
from services.settings import GatewaySettings, Settings
from services.voice import Voice
from services.world import real_world

Kind = Literal["tasks", "processes"]

RUNS = 500
WARM_UP_RUNS = 20
PAUSE_SECONDS = 0.01
"""What is cancelled has been running for a while; so has the limit's."""
PATIENCE_SECONDS = 20.0
USER = Actor(kind="user", id="ada", organization="acme", authenticated_by="api_key")


class Times(NamedTuple):
    """Milliseconds, of each run."""

    to_stopped: list[float]
    to_durable: list[float]

    def add(self, to_stopped_seconds: float, to_durable_seconds: float) -> None:
        self.to_stopped.append(to_stopped_seconds * 1000)
        self.to_durable.append(to_durable_seconds * 1000)


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
        voice = Voice(
            embedded.history, world, source="benchmark", region="local", words=embedded.words
        )
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
    """The first: what is durable is so before anybody hears of it."""
    ledger._listeners = (onlooker, *ledger._listeners)


class Chatty:
    """A program that answers lines with lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def asked(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        return await self.heard()

    async def heard(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self._process.stdout.readline()).decode()


@asynccontextmanager
async def chatty(module: str, *arguments: str) -> AsyncIterator[Chatty]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Chatty(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()


class Stage(NamedTuple):
    """Where a run begins, and who is asked when it ended."""

    service: Service
    folder: Path
    ends: Chatty


async def in_turns(folder: Path, kind: Kind) -> tuple[Times, Times]:
    """Run by run: ours, and the limit."""
    ours, least = Times([], []), Times([], [])
    (folder / "stopped").touch()
    (folder / "plain").mkdir()
    async with (
        a_service(folder) as service,
        chatty("benchmarks.bare_stop", kind, str(folder / "plain"), str(PAUSE_SECONDS)) as bare,
        chatty("benchmarks.ends") as ends,
    ):
        stage = Stage(service, folder, ends)
        for number in range(RUNS + WARM_UP_RUNS):
            measured = await one_stop(stage, kind, f"{kind}-{number}")
            least_ns = map(int, (await bare.asked("again")).split())
            if number >= WARM_UP_RUNS:
                ours.add(*measured)
                least.add(*(each / 1e9 for each in least_ns))
    return ours, least


async def one_stop(stage: Stage, kind: Kind, task_id: str) -> tuple[float, float]:
    """Seconds from the append of a cancel until the run had ended, and until that was durable."""
    service = stage.service
    ended = await started(stage, kind, task_id)
    await asyncio.sleep(PAUSE_SECONDS)
    body = CancelRequested(actor=USER, reason="measured")
    event = service.voice.event(body, subject=task_id, organization="acme")
    began = time.monotonic()
    await service.voice.say(event)
    durable_at = await service.onlooker.saw(TaskCancelled)
    return await ended() - began, durable_at - began


async def started(stage: Stage, kind: Kind, task_id: str) -> Callable[[], Awaitable[float]]:
    """Have a task run; the answer tells when it has ended."""
    service, folder, ends = stage
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

    async def told() -> float:
        if kind == "tasks":
            return int(stopped_file.read_text().splitlines()[lines + 1]) / 1e9
        return int(await ends.heard()) / 1e9

    if kind == "tasks":
        await written(stopped_file, lines + 1)
    else:
        await written(pid_file, 1)
        await ends.asked(pid_file.read_text().strip())
    return told


async def written(file: Path, lines: int) -> None:
    """Another process writes the file: nothing tells when it has."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while lines_of(file) < lines:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def lines_of(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


@cache
def both(kind: Kind) -> tuple[Times, Times]:
    """Measured once for all figures of a kind."""
    with (
        folder_on_disk() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(in_turns(folder.resolve(), kind))


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
