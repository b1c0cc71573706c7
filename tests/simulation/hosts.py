"""Simulated machines: a guardian with its lease, and the runs it guards, outside every event loop.

What really happened is known here and nowhere else: which run is alive, since when and until when.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from events.body import JsonObject
from events.cancel_events import Survivor
from events.words import Evidence
from services.executor.runtime import (
    Broke,
    CannotStart,
    Completed,
    Ending,
    EngineGone,
    Order,
    Stop,
    Stopped,
    SweptAway,
)
from tests.simulation.faults import Faults
from tests.simulation.node import Node
from tests.simulation.schedule import Due, Schedule

GUARDIAN_NOTICES_SECONDS = 0.4
"""A dead executor, at most."""
KILL_SECONDS = 0.5
"""Everything below a guardian, or one run by force, at most."""


@dataclass(eq=False)
class HostedRun:
    """A run, as it really is."""

    order: Order
    executor: str
    ended: "asyncio.Future[Ending]"
    world: "Machines"
    node: Node
    alive: bool = False
    """Its author's code may be running."""
    began: float | None = None
    died: float | None = None
    asked: bool = False
    """Perhaps before it began."""
    truth: Ending | None = None
    waits: int = 0
    _due: list[Due] = field(default_factory=list)

    @property
    def run_id(self) -> UUID:
        return self.order.run_id

    def _later(self, seconds: float, do: Callable[..., object], *args: Any) -> None:
        self._due.append(self.world.schedule.after(seconds, do, *args))

    # Its life

    def begin(self) -> None:
        if self.died is not None:
            return
        plan = self.order.payload
        self.alive = True
        self.began = self.world.schedule.now
        self.world.watcher.began(self)
        if self.asked:
            self._stop()
        if self.alive:
            self._get_to_work(plan)

    def _get_to_work(self, plan: JsonObject) -> None:
        for number in range(1, int(plan.get("children", 0)) + 1):  # type: ignore[arg-type]
            child = {"name": f"child-{number}", "kind": "shared", "payload": {"seconds": 2.0}}
            self.node.post_after(0.01, self.order.voice.submit, child, lambda *_: None)
        for number in range(int(plan.get("says", 0))):  # type: ignore[arg-type]
            self._later(0.3 * number, self._say, number)
        if int(plan.get("waits", 0)) > len(self.order.answers):  # type: ignore[arg-type]
            self._wait(len(self.order.answers) + 1)
        else:
            self._later(float(plan["seconds"]), self._run_out)  # type: ignore[arg-type]
        if self.world.faults.chance(self.world.faults.host_deaths):
            self._later(self.world.random.uniform(0.0, 3.0), self.die, SweptAway("its host died"))

    def _say(self, number: int) -> None:
        self.node.post_after(0.001, self.order.voice.progress, None, f"step {number}")

    def _wait(self, wait: int) -> None:
        self.waits = wait
        self.node.post_after(0.001, self.order.voice.waiting, wait, "Go on?")

    def _run_out(self) -> None:
        if self.order.payload.get("breaks"):
            self.die(Broke("it broke", "broken"))
        else:
            self.die(Completed({"done": True}))

    def die(self, ending: Ending) -> None:
        """It is gone; its executor hears of it a moment later."""
        if self.died is not None:
            return
        self.died = self.world.schedule.now
        self.truth = ending
        for due in self._due:
            due.call_off()
        if self.alive:
            self.alive = False
            self.world.watcher.died(self)
        self.node.post_after(self.world.pipe_seconds(), self._tell, ending)

    def swept_away(self) -> None:
        self.die(SweptAway("its host died"))

    def _tell(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)

    # `services.executor.runtime.RunHandle`

    def ask(self, stop: Stop) -> None:
        self.world.schedule.after(self.world.pipe_seconds(), self._heard)

    def force(self, stop: Stop) -> None:
        plan = self.order.payload
        seconds = float(plan.get("dies_after", self.world.kill_seconds()))  # type: ignore[arg-type]
        self.world.schedule.after(seconds, self.die, Stopped(Evidence.KILLED))

    def check(self) -> Survivor | None:
        if self.died is not None:
            return None
        return Survivor(executor=self.executor, what="simulated run")

    def answer(self, wait: int, answer: JsonValue) -> None:
        self.world.schedule.after(self.world.pipe_seconds(), self._answered, wait)

    def _heard(self) -> None:
        if self.asked or self.died is not None:
            return
        self.asked = True
        if self.alive:
            self._stop()

    def _stop(self) -> None:
        match self.order.payload.get("when_asked", "stops"):
            case "stops":
                self._later(self.world.random.uniform(0, 0.2), self.die, ACKNOWLEDGED)
            case "takes its time":
                self._later(self.world.random.uniform(0.5, 4.0), self.die, ACKNOWLEDGED)
            case "finishes":
                self.die(Completed({"done": True}))
            case "breaks":
                self.die(Broke("it broke when it was asked to stop", "broken"))
            case _:
                pass  # It takes no notice.

    def _answered(self, wait: int) -> None:
        if self.waits == wait and self.died is None:
            self.waits = 0
            if int(self.order.payload.get("waits", 0)) > wait:  # type: ignore[arg-type]
                self._wait(wait + 1)
            else:
                seconds = float(self.order.payload["seconds"])  # type: ignore[arg-type]
                self._later(seconds, self._run_out)


ACKNOWLEDGED = Stopped(Evidence.ACKNOWLEDGED)


class Watcher:
    """Who is told what really happens to runs."""

    def began(self, run: HostedRun) -> None: ...

    def died(self, run: HostedRun) -> None: ...


class Machines:
    """What all machines share."""

    def __init__(self, schedule: Schedule, faults: Faults, seed: str, watcher: Watcher) -> None:
        self.schedule = schedule
        self.faults = faults
        self.random = random.Random(f"{seed}/machines")
        self.watcher = watcher

    def pipe_seconds(self) -> float:
        """Between an executor and what it runs."""
        return self.random.uniform(0.0001, 0.005)

    def kill_seconds(self) -> float:
        return self.random.uniform(0.001, KILL_SECONDS)


class Guarded:
    """`services.executor.engine.Engine`: a guardian, and all that is under it."""

    def __init__(self, machine: "Machine", node: Node, lease_until: float) -> None:
        self.ending: asyncio.Future[None] = node.loop.create_future()
        self._closed: asyncio.Future[None] = node.loop.create_future()
        self.runtimes = (
            SimulatedRuntime(self, machine.kinds, own_process=False),
            SimulatedRuntime(self, machine.isolated_kinds, own_process=True),
        )
        self.node = node
        self.world = machine.world
        self.runs: list[HostedRun] = []
        self.gone = False
        self._killing = False
        self._lease: Due | None = None
        self._set_lease(lease_until)

    def renew(self, until: float) -> None:
        self.world.schedule.after(self.world.pipe_seconds(), self._set_lease, until)

    def _set_lease(self, until: float) -> None:
        if self._killing:
            return
        if self._lease is not None:
            self._lease.call_off()
        self._lease = self.world.schedule.at(until - self.node.uptime, self.kill)

    def executor_died(self) -> None:
        seconds = self.world.random.uniform(0, GUARDIAN_NOTICES_SECONDS)
        self.world.schedule.after(seconds, self.kill)

    def kill(self) -> None:
        """Take everything down, then go."""
        if not self._killing:
            self._killing = True
            if self._lease is not None:
                self._lease.call_off()
            self.node.post_after(self.world.pipe_seconds(), self.ending.set_result, None)
            seconds = self.world.kill_seconds()
            for run in self.runs:
                after = self.world.random.uniform(0, seconds)
                self.world.schedule.after(after, run.die, SweptAway("its guardian ended it"))
            self.world.schedule.after(seconds, self._go)

    def _go(self) -> None:
        self.gone = True
        self.node.post_after(self.world.pipe_seconds(), self._closed.set_result, None)

    async def close(self) -> None:
        self.world.schedule.after(self.world.pipe_seconds(), self.kill)
        await asyncio.shield(self._closed)

    def take(self, order: Order, ended: "asyncio.Future[Ending]") -> HostedRun:
        if self._killing:
            raise EngineGone
        run = HostedRun(order, self.node.name, ended, self.world, self.node)
        self.runs = [each for each in self.runs if each.died is None]
        self.runs.append(run)
        self.world.schedule.after(self.world.pipe_seconds(), run.begin)
        return run


class SimulatedRuntime:
    """`services.executor.runtime.Runtime`."""

    remote = False

    def __init__(self, guarded: Guarded, kinds: frozenset[str], *, own_process: bool) -> None:
        self.kinds = kinds
        self._guarded = guarded
        self._own_process = own_process

    def has_own_process(self, kind: str) -> bool:
        return self._own_process

    def budget_of(self, kind: str) -> float | None:
        return None

    @property
    def problems(self) -> Mapping[str, str]:
        return {}

    def secrets_of(self, kind: str) -> tuple[str, ...]:
        return ()

    async def start(self, order: Order) -> HostedRun:
        world = self._guarded.world
        await asyncio.sleep(world.faults.latency_seconds(2.0))
        if order.payload.get("cannot_start"):
            raise CannotStart("the payload is refused")
        return self._guarded.take(order, self._guarded.node.loop.create_future())

    async def open(self) -> None:
        """Nothing to learn."""

    async def close(self) -> None:
        """Nothing to give back."""


class Machine:
    """`services.executor.engine.Engines`: where one executor after another lives."""

    def __init__(
        self, world: Machines, kinds: frozenset[str], isolated_kinds: frozenset[str]
    ) -> None:
        self.world = world
        self.kinds = kinds
        self.isolated_kinds = isolated_kinds
        self.latest: Guarded | None = None
        self.node: Node | None = None

    async def predecessor_gone(self) -> bool:
        for _ in range(300):
            if self.latest is None or self.latest.gone:
                return True
            await asyncio.sleep(0.1)
        return False

    async def open(self, lease_until: float) -> Guarded:
        assert self.node is not None
        await asyncio.sleep(self.world.faults.latency_seconds(3.0))
        self.latest = Guarded(self, self.node, lease_until)
        return self.latest
