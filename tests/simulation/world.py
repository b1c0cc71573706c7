"""The nodes of one world, and how they come and go."""

import asyncio
import random
import traceback
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.executor.executor import Executor
from services.executor.settings import ExecutorSettings
from services.watchdog import WatchdogSettings
from tests.simulation.faults import Faults
from tests.simulation.hosts import HostedRun, Machine, Machines
from tests.simulation.node import Node
from tests.simulation.promises import Executing, Promises
from tests.simulation.read_models import ReadModels
from tests.simulation.schedule import Schedule
from tests.simulation.services import Shared, executor_life, watchdog_life
from tests.simulation.streams import Stream

LEASE_SECONDS = 8.0


@dataclass(eq=False)
class Home:
    """Where a service lives: one node after another, each with a name of its own."""

    name: str
    lives: int = 0
    node: Node | None = None

    @property
    def up(self) -> bool:
        return self.node is not None and not self.node.dead


@dataclass(eq=False)
class ExecutorHome(Home):
    machine: Machine = field(kw_only=True)
    settings: ExecutorSettings = field(kw_only=True)
    stopping: asyncio.Event | None = None
    executor: Executor | None = None


class World:
    def __init__(self, seed: str) -> None:
        self.schedule = Schedule()
        self.random = random.Random(f"{seed}/world")
        self.faults = Faults.of(seed)
        self.promises = Promises(self.schedule)
        self.ending = False
        """Nobody is started again."""
        partitions = self.random.choice((1, 1, 3))
        history = self._stream("history", partitions, self.promises.stored)
        self.shared = Shared(
            history=history,
            output=self._stream("output", partitions, lambda _: None),
            heartbeats=self._stream("heartbeats", partitions, self.promises.heard),
            models=ReadModels(history, self.faults),
            faults=self.faults,
        )
        self._seed = seed
        self._machines = Machines(self.schedule, self.faults, seed, self.promises)
        self._nodes: list[Node] = []
        self.executors = list(self._executor_homes())
        self.watchdogs = [Home(f"watchdog-{n}") for n in range(self.random.choice((1, 2)))]

    def _stream(self, name: str, partitions: int, stored: Any) -> Stream:
        return Stream(name, partitions, self.schedule, self.faults, stored)

    def _executor_homes(self) -> Iterator[ExecutorHome]:
        """Machines that differ in what they can run, and how much. The first can run everything."""
        source = self.random
        for number in range(source.choice((1, 2, 3, 4))):
            everything = number == 0
            shared = {"shared", "rare"} if everything or source.random() < 0.5 else {"shared"}
            settings = ExecutorSettings(
                labels={"disk": "large"} if everything else {},
                lease_seconds=LEASE_SECONDS,
                concurrent_runs=source.choice((2, 5, 100)),
                concurrent_runs_by_kind=source.choice(({}, {"shared": 2})),
                concurrent_isolated_runs=source.choice((1, 3)),
                concurrent_claims=source.choice((1, 3, 50)),
                confirm_seconds=2.0,
            )
            machine = Machine(self._machines, frozenset(shared), frozenset({"isolated"}))
            yield ExecutorHome(f"executor-{number}", machine=machine, settings=settings)

    # ── coming ────────────────────────────────────────────────────────────────────────────────────

    def node(self, name: str) -> Node:
        node = Node(name, self.schedule, self._seed)
        self._nodes.append(node)
        return node

    def begin(self, node: Node, life: Coroutine[Any, Any, Any]) -> None:
        """A service that has no reason to end."""
        self.promises.note(f"{node.name} starts")
        node.begin(life, lambda error: node.broken.append(f"{node.name} ended: {told(error)}"))

    def start_watchdog(self, home: Home) -> None:
        if self.ending or home.up:
            return
        home.lives += 1
        home.node = self.node(f"{home.name}-{home.lives}")
        settings = WatchdogSettings(lease_seconds=LEASE_SECONDS)
        self.begin(home.node, watchdog_life(home.node, self.shared, settings))

    def start_executor(self, home: ExecutorHome) -> None:
        if self.ending or home.up:
            return
        home.lives += 1
        node = self.node(f"{home.name}-{home.lives}")
        home.node = home.machine.node = node
        self.promises.executors[node.name] = Executing(
            skew_seconds=node.skew_seconds,
            kinds=home.machine.kinds | home.machine.isolated_kinds,
            isolated_kinds=home.machine.isolated_kinds,
            settings=home.settings,
        )
        self.promises.note(f"{node.name} starts")
        home.stopping = asyncio.Event()
        home.executor = None

        def ended(error: BaseException | None) -> None:
            if error is not None:
                node.broken.append(f"{node.name} ended: {told(error)}")
            self.promises.note(f"{node.name} has ended")
            node.die()
            self.promises.nothing_left(node.name)
            self.schedule.after(self.random.uniform(0.1, 5.0), self.start_executor, home)

        def born(executor: Executor) -> None:
            home.executor = executor

        life = executor_life(
            node,
            self.shared,
            home.machine,
            home.settings,
            home.stopping,
            born,
            alone=len(self.executors) == 1,
        )
        node.begin(life, ended)

    # ── going ─────────────────────────────────────────────────────────────────────────────────────

    def kill(self, home: Home) -> None:
        if home.node is None or home.node.dead:
            return
        self.promises.note(f"{home.node.name} is killed")
        home.node.die()
        after = self.random.uniform(0.1, 12.0)
        if isinstance(home, ExecutorHome):
            if home.machine.latest is not None:
                home.machine.latest.executor_died()
            self.schedule.after(after, self.start_executor, home)
        else:
            self.schedule.after(after, self.start_watchdog, home)

    def stop(self, home: Home, seconds: float) -> None:
        """As by SIGSTOP, and SIGCONT later."""
        if home.node is None or home.node.dead or home.node.stopped or self.faults.calm:
            return
        self.promises.note(f"{home.node.name} is stopped for {seconds:.1f} s")
        home.node.stop()
        self.schedule.after(seconds, home.node.go_on)

    def ask_to_end(self, home: ExecutorHome) -> None:
        """As by SIGTERM."""
        if home.node is not None and not home.node.dead and home.stopping is not None:
            self.promises.note(f"{home.node.name} is asked to end")
            home.node.post(home.stopping.set)

    def drain(self, home: ExecutorHome, seconds: float) -> None:
        if home.node is not None and not home.node.dead and home.executor is not None:
            self.promises.note(f"{home.node.name} is drained for {seconds:.1f} s")
            home.node.post(home.executor.drain)
            home.node.post_after(seconds, home.executor.resume)

    def runs_of(self, home: ExecutorHome) -> list[HostedRun]:
        name = home.node.name if home.node else ""
        return [run for run in self.promises.alive.values() if run.executor == name]

    def calm_down(self) -> None:
        """Nothing goes wrong any more, and everybody is there again."""
        self.promises.note("calm")
        self.faults.calm = True
        for stream in (self.shared.history, self.shared.output, self.shared.heartbeats):
            stream.is_back()
        for node in self._nodes:
            node.go_on()
        for executor in self.executors:
            self.start_executor(executor)
        for watchdog in self.watchdogs:
            self.start_watchdog(watchdog)

    # ── looking after it ──────────────────────────────────────────────────────────────────────────

    def let_pass(self, seconds: float) -> None:
        end = self.schedule.now + seconds
        while self.schedule.now < end:
            self.schedule.run_until(min(self.schedule.now + 0.5, end))
            self.promises.look()
            errors = [error for node in self._nodes for error in node.broken]
            self.promises.require(not errors, "; ".join(errors))

    def bury(self) -> None:
        self.ending = True
        self.faults.calm = True
        for node in self._nodes:
            node.bury()


def told(error: BaseException | None) -> str:
    return "".join(traceback.format_exception(error)) if error else "nobody asked it to"
