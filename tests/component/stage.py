"""Executors whose runs do nothing but what a test says, on a log that holds back what it says.

Everything else is real: ledgers, executors, a watchdog, and the embedded log in memory.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from eventsourcing.popo import POPOApplicationRecorder
from pydantic import JsonValue

from events.cancel_events import Survivor
from events.event import decode
from events.log import Log, Message, Record
from events.positions import Frontier, Position
from events.vocabulary import AnyBody
from events.words import Evidence
from services.embedded_log import memory_log
from services.executor.executor import Executor
from services.executor.runtime import Completed, Ending, Order, Stop, Stopped, SweptAway
from services.executor.settings import ExecutorSettings
from services.ledger import Ledger
from services.pulse.pulse import Pulse
from services.voice import Voice
from services.watchdog import Watchdog, WatchdogSettings
from services.world import real_world
from tests.rig import PATIENCE_SECONDS, LogHistory, Onlooker, now_us

ACKNOWLEDGED = Stopped(Evidence.ACKNOWLEDGED)
KILLED = Stopped(Evidence.KILLED)


@dataclass
class Held:
    """Appends of one kind of event, on their way to the log."""

    body: type[AnyBody]
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def there(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.arrived.wait()

    def let_go(self) -> None:
        self.free.set()


class GatedLog:
    """A log before which appends can be held back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._held: list[Held] = []

    def hold(self, body: type[AnyBody]) -> Held:
        """From now on."""
        held = Held(body)
        self._held.append(held)
        return held

    async def append(self, messages: Sequence[Message]) -> Sequence[Position]:
        for held in self._held:
            if any(isinstance(decode(each.value).data, held.body) for each in messages):
                held.arrived.set()
                await held.free.wait()
        return await self._log.append(messages)

    def follow(self, start: Frontier, limit: int = 1000) -> AsyncGenerator[Sequence[Record], None]:
        return self._log.follow(start, limit)

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        return await self._log.read(start, limit)

    async def end(self) -> Frontier:
        return await self._log.end()

    async def close(self) -> None:
        await self._log.close()


class StagedRun:
    """`services.executor.runtime.RunHandle`: it ends when, and as, the test says."""

    def __init__(
        self, order: Order, executor: str, changed: Callable[[], None], *, remote: bool = False
    ) -> None:
        self.order = order
        self.remote = remote
        self.executor = executor
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.asked: list[Stop] = []
        self.forced: list[Stop] = []
        self.answers: list[tuple[int, JsonValue]] = []
        self._changed = changed

    def ends(self, ending: Ending) -> None:
        self.ended.set_result(ending)

    def ask(self, stop: Stop) -> None:
        self.asked.append(stop)
        self._let_go_for(stop)
        self._changed()

    def force(self, stop: Stop) -> None:
        self.forced.append(stop)
        self._let_go_for(stop)
        self._changed()

    def _let_go_for(self, stop: Stop) -> None:
        """A remote run goes on without its executor."""
        if self.remote and stop.why == "shutdown" and not self.ended.done():
            self.ends(SweptAway("it goes on"))

    def check(self) -> Survivor | None:
        return None if self.ended.done() else Survivor(executor=self.executor, what="staged run")

    def answer(self, wait: int, answer: JsonValue) -> None:
        self.answers.append((wait, answer))
        self._changed()


class StagedRuntime:
    """`services.executor.runtime.Runtime`, and the engine around it."""

    def __init__(
        self, executor: str, stage: "Stage", kinds: frozenset[str], *, remote: bool = False
    ) -> None:
        self.kinds = kinds
        self.remote = remote
        self.runtimes = (self,)
        self.ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._executor = executor
        self._stage = stage

    def has_own_process(self, kind: str) -> bool:
        return False

    def budget_of(self, kind: str) -> float | None:
        return None

    @property
    def problems(self) -> Mapping[str, str]:
        return {}

    def secrets_of(self, kind: str) -> tuple[str, ...]:
        return ()

    async def start(self, order: Order) -> StagedRun:
        run = StagedRun(order, self._executor, self._stage.changed, remote=self.remote)
        self._stage.runs.append(run)
        self._stage.changed()
        if self._stage.runs_end_at_once:
            run.ends(Completed(None))
        return run

    def renew(self, until: float) -> None:
        """Nothing here ends with its lease."""

    async def open(self) -> None:
        """Nothing to learn."""

    async def close(self) -> None:
        if not self.ending.done():
            self.ending.set_result(None)


class StagedEngines:
    """`services.executor.engine.Engines`."""

    def __init__(self, runtime: StagedRuntime) -> None:
        self._runtime = runtime

    async def predecessor_gone(self) -> bool:
        return True

    async def open(self, lease_until: float) -> StagedRuntime:
        return self._runtime


@dataclass
class Staged:
    """An executor on the stage."""

    executor: Executor
    stopping: asyncio.Event
    life: "asyncio.Task[None]"

    async def end(self) -> None:
        self.stopping.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({self.life})


@dataclass
class Stage(Onlooker):
    """Where everything happens; it also does what users do."""

    history: GatedLog = field(kw_only=True)
    output: GatedLog = field(kw_only=True)
    heartbeats: Log = field(kw_only=True)
    tasks: asyncio.TaskGroup = field(kw_only=True)
    runs: list[StagedRun] = field(default_factory=list)
    runs_end_at_once: bool = False
    executors: list[Staged] = field(default_factory=list)
    side: "list[asyncio.Task[None]]" = field(default_factory=list)

    def changed(self) -> None:
        self.news.set()

    async def run_of(self, task_id: str, number: int = 1) -> StagedRun:
        """The so-manieth run of this task, once its code has started."""
        await self.until(lambda: len(self.runs_of(task_id)) >= number)
        return self.runs_of(task_id)[number - 1]

    def runs_of(self, task_id: str) -> list[StagedRun]:
        return [run for run in self.runs if run.order.task_id == task_id]

    async def with_executor(
        self,
        settings: ExecutorSettings | None = None,
        kinds: frozenset[str] = frozenset({"work"}),
        *,
        alone: bool = False,
        remote: bool = False,
    ) -> Staged:
        """One executor more, which claims once this returns."""
        name = f"executor-{len(self.executors) + 1}"
        settings = settings or ExecutorSettings(claim_delay_seconds=0.001, confirm_seconds=0.05)
        voice = Voice(self.history, real_world(), source=f"/executor/{name}", region="local")
        executor = Executor(
            name,
            history=self.history,
            output=self.output,
            heartbeats=self.heartbeats,
            voice=voice,
            region="local",
            engines=StagedEngines(StagedRuntime(name, self, kinds, remote=remote)),
            settings=settings,
            world=real_world(),
            alone=alone,
        )
        self.judge(voice, executor)
        stopping = asyncio.Event()
        life = self.tasks.create_task(executor.run(stopping, 0.0))
        staged = Staged(executor, stopping, life)
        self.executors.append(staged)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await executor.working.wait()
        return staged

    async def with_watchdog(self) -> None:
        voice = Voice(self.history, real_world(), source="/watchdog/1", region="local")
        watchdog = Watchdog(
            heartbeats=self.heartbeats,
            voice=voice,
            world=real_world(),
            settings=WatchdogSettings(),
            watchdog_id="watchdog-1",
        )
        self.judge(voice, watchdog)
        self.side.append(self.tasks.create_task(watchdog.run()))

    def judge(self, *listeners: "Voice | Executor | Watchdog | Pulse | Stage") -> None:
        """A ledger, as every process has one."""
        ledger = Ledger(self.history, LogHistory(self.history), listeners)
        self.side.append(self.tasks.create_task(ledger.run()))


@asynccontextmanager
async def a_stage() -> AsyncIterator[Stage]:
    """An empty stage; what is on it at the end is asked to end."""
    history, output, heartbeats = (
        memory_log(POPOApplicationRecorder(), name, now_us)
        for name in ("history", "output", "heartbeats")
    )
    gated = GatedLog(history)
    voice = Voice(gated, real_world(), source="/test/users", region="local")
    async with asyncio.TaskGroup() as tasks:
        stage = Stage(
            voice,
            "stage",
            history=gated,
            output=GatedLog(output),
            heartbeats=heartbeats,
            tasks=tasks,
        )
        stage.judge(voice, stage)
        try:
            yield stage
        finally:
            for run in stage.runs:
                if not run.ended.done():
                    run.ends(Completed(None))
            for staged in stage.executors:
                await staged.end()
            for task in stage.side:
                task.cancel()
    for log in (history, output, heartbeats):
        await log.close()
