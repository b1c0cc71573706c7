"""The real services, put together as the composition root does it, on a simulated node."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from projections.memory import Memory
from services.executor.executor import Executor, LastWordsUnheard
from services.executor.settings import ExecutorSettings
from services.ledger import Ledger
from services.voice import Voice
from services.watchdog import Watchdog, WatchdogSettings
from tests.simulation.faults import Faults
from tests.simulation.hosts import Machine
from tests.simulation.node import Node
from tests.simulation.read_models import NodeHistory, ReadModels
from tests.simulation.streams import NodeLog, Stream

REGION = "local"
FINISHED_KEPT = 6
"""So little that roots are forgotten, and recalled, all the time."""
SHUTDOWN_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Shared:
    """What the nodes of a region share."""

    history: Stream
    output: Stream
    heartbeats: Stream
    models: ReadModels
    faults: Faults

    def ledger(self, node: Node, *listeners: "Voice | Executor | Watchdog") -> Ledger:
        log = NodeLog(self.history, node)
        history = NodeHistory(self.models, node, self.faults)
        executors = [each for each in listeners if isinstance(each, Executor)]
        ledger = Ledger(log, history, listeners, executors, words=node.words)
        ledger.memory = Memory(FINISHED_KEPT)
        return ledger

    def voice(self, node: Node, service: str) -> Voice:
        log = NodeLog(self.history, node)
        source = f"/{service}/{node.name}"
        return Voice(log, node.world, source=source, region=REGION, words=node.words)


async def executor_life(
    node: Node,
    shared: Shared,
    machine: Machine,
    settings: ExecutorSettings,
    stopping: asyncio.Event,
    born: Callable[[Executor], None],
    *,
    alone: bool,
) -> None:
    """From start to orderly end."""
    voice = shared.voice(node, "executor")
    executor = Executor(
        node.name,
        history=NodeLog(shared.history, node),
        output=NodeLog(shared.output, node),
        heartbeats=NodeLog(shared.heartbeats, node),
        voice=voice,
        region=REGION,
        engines=machine,
        settings=settings,
        world=node.world,
        alone=alone,
    )
    born(executor)
    ledger = shared.ledger(node, voice, executor)
    try:
        async with asyncio.TaskGroup() as tasks:
            judging = tasks.create_task(ledger.run())
            await executor.run(stopping, SHUTDOWN_GRACE_SECONDS)
            judging.cancel()
    except* LastWordsUnheard:
        pass  # An end like others: what it ran is found lost.


async def watchdog_life(node: Node, shared: Shared, settings: WatchdogSettings) -> None:
    voice = shared.voice(node, "watchdog")
    watchdog = Watchdog(
        heartbeats=NodeLog(shared.heartbeats, node),
        voice=voice,
        world=node.world,
        settings=settings,
        watchdog_id=node.name,
    )
    ledger = shared.ledger(node, voice, watchdog)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ledger.run())
        tasks.create_task(watchdog.run())
