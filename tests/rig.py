"""A whole service in one process, without HTTP: real ledger, executor, watchdog on a log in memory.

Tests speak in what users do (submit, cancel, approve) and wait for entries, never for a time.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from eventsourcing.popo import POPOApplicationRecorder

from events.body import Actor
from events.cancel_events import CancelRequested
from events.event import Event
from events.log import Log
from events.outcome import Outcome
from events.positions import Frontier, Position, after, covers, reaches
from events.run_events import TaskResumed
from events.state import Root, TaskState
from events.task_events import TaskOutput, TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Evidence, Mode, Status
from projections.entry import Entry, decoded
from services.embedded_log import memory_log
from services.executor.engine import LocalEngines
from services.executor.executor import Executor
from services.executor.settings import ExecutorSettings
from services.ledger import Ledger, Listener, Snapshot
from services.own_words import OwnWords
from services.voice import Voice
from services.watchdog import Watchdog, WatchdogSettings
from services.world import real_world
from tests.marked_processes import TASK_MARK, processes_of

ORGANIZATION = "acme"
PATIENCE_SECONDS = 90.0
MARKER = "RIG_MARKER"
"""Every process of a test inherits it, so that survivors are found wherever they hide."""


class LogHistory:
    """The history of a ledger whose log is small enough to be kept in memory, by key."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._by_key: dict[str, list[tuple[Position, Event]]] = {}
        self._read: dict[int, int] = {}

    def frontier(self) -> Frontier:
        return {}

    async def snapshot(self) -> Snapshot:
        return Snapshot({}, [])

    async def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        while not reaches(self._read, before):
            for record in await self._log.read(self._read, 1000):
                self._read = after(self._read, [record.position])
                event = decoded(record).event
                if event is not None:
                    self._by_key.setdefault(event.key, []).append((record.position, event))
        for key in keys:
            events = [
                event for position, event in self._by_key.get(key, ()) if covers(before, position)
            ]
            if events:
                yield key, events


@dataclass
class Onlooker:
    """Does what users do, and sees every entry."""

    voice: Voice
    marker: str
    entries: list[Entry] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    commands: Collection[str] = ()
    """Kinds of which every process is marked with its task."""
    left_alive: dict[str, list[int]] | None = None
    """By task, who was alive when the log said that it was `cancelled`. None: nobody looks."""
    _roots: Mapping[str, Root] = field(default_factory=dict)

    # A listener of the ledger

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots

    def entered(self, entries: Sequence[Entry]) -> None:
        if self.left_alive is not None:
            self._look_for_survivors(entries, self.left_alive)
        self.entries.extend(entries)
        self.news.set()

    def _look_for_survivors(
        self, entries: Sequence[Entry], left_alive: dict[str, list[int]]
    ) -> None:
        """At the very moment at which the log says how it is known that nobody is alive."""
        for entry in entries:
            for task in entry.outcome.tasks:
                proved = task.status is Status.CANCELLED and task.evidence is not Evidence.PRESUMED
                if proved and (alive := processes_of(task.id)):
                    left_alive[task.id] = alive

    async def room(self) -> None:
        return

    # What users do

    async def submit(self, kind: str, payload: dict[str, Any] | None = None, **spec: Any) -> str:
        task_id = spec.pop("id", None) or f"t-{uuid4().hex[:12]}"
        if kind in self.commands and payload is None:
            payload = {"environment": {TASK_MARK: task_id}}
        body = TaskSubmitted(actor=self.user, kind=kind, payload=payload or {}, **spec)
        await self.say(body, task_id)
        return task_id

    async def cancel(
        self, task_id: str, mode: Mode = Mode.GRACEFUL, grace_seconds: float | None = None
    ) -> Event:
        body = CancelRequested(
            actor=self.user, reason="tried", mode=mode, grace_seconds=grace_seconds
        )
        return await self.say(body, task_id)

    async def approve(self, task_id: str, answer: Any = True) -> Event:
        task = self.task(task_id)
        assert task is not None
        assert task.waiting_for is not None
        return await self.say(
            TaskResumed(actor=self.user, wait=task.waiting_for, answer=answer), task_id
        )

    async def say(self, body: HistoryBody, subject: str) -> Event:
        event = self.voice.event(body, subject=subject, organization=ORGANIZATION)
        await self.voice.say(event)
        return event

    @property
    def user(self) -> Actor:
        return Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")

    # What tests wait for, and look at

    def task(self, task_id: str) -> TaskState | None:
        root = self._roots.get(f"{ORGANIZATION}/{task_id.partition('.')[0]}")
        return root.tasks.get(task_id) if root else None

    async def until(self, true: Callable[[], bool]) -> None:
        """Returns once this holds; looked at after every entry."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def until_status(self, task_id: str, *statuses: Status) -> TaskState:
        await self.until(
            lambda: (task := self.task(task_id)) is not None and task.status in statuses
        )
        task = self.task(task_id)
        assert task is not None
        return task

    def told_of(self, task_id: str) -> list[str]:
        """The types of what the history says of a task, with void ones marked."""
        return [
            f"{entry.event.data.__class__.__name__}{'' if counted(entry.outcome) else ' (void)'}"
            for entry in self.entries
            if entry.event is not None and entry.event.subject == task_id
        ]

    def survivors(self) -> list[psutil.Process]:
        """Every process that any run of this rig left alive, hosts and keepers aside."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARKER) == self.marker and process.pid != os.getpid()
        except psutil.Error:
            return False


@dataclass
class Rig(Onlooker):
    """An onlooker with the service in its hands."""

    output: Log = field(kw_only=True)
    executor: Executor = field(kw_only=True)

    async def until_output(self, task_id: str, runs: int = 1) -> None:
        """Returns once so many of its runs have said something, so that their code surely ran."""
        heard = set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for records in self.output.follow({}):
                for record in records:
                    event = decoded(record).event
                    if (
                        event is not None
                        and event.subject == task_id
                        and isinstance(event.data, TaskOutput)
                    ):
                        heard.add(event.data.run_id)
                    if len(heard) == runs:
                        return


def counted(outcome: Outcome) -> bool:
    return outcome.verdict.value != "void"


def marked(settings: ExecutorSettings, marker: str) -> ExecutorSettings:
    """Commands don't inherit the environment: what they start must be found all the same."""
    commands = {
        name: command.model_copy(
            update={
                "environment": {**command.environment, MARKER: marker},
                "accepts_environment": command.accepts_environment | {TASK_MARK},
            }
        )
        for name, command in settings.commands.items()
    }
    return settings.model_copy(update={"commands": commands})


def now_us() -> int:
    return int(real_world().now().timestamp() * 1_000_000)


@asynccontextmanager
async def a_rig(folder: Path, settings: ExecutorSettings | None = None) -> AsyncIterator[Rig]:
    """A running service; everything of it is gone afterwards."""
    marker = uuid4().hex
    os.environ[MARKER] = marker
    world = real_world()
    settings = marked(settings or ExecutorSettings(), marker)
    history, output, beats = (
        memory_log(POPOApplicationRecorder(), name, now_us)
        for name in ("history", "output", "heartbeats")
    )
    words = OwnWords()
    voice = Voice(history, world, source="/test/service", region="local", words=words)
    executor = Executor(
        "executor-1",
        history=history,
        output=output,
        heartbeats=beats,
        voice=voice,
        region="local",
        engines=LocalEngines(folder, settings),
        settings=settings,
        world=world,
        alone=True,
    )
    watchdog = Watchdog(
        heartbeats=beats,
        voice=voice,
        world=world,
        settings=WatchdogSettings(lease_seconds=settings.lease_seconds),
        watchdog_id="watchdog-1",
    )
    rig = Rig(
        voice,
        marker,
        commands=settings.commands,
        left_alive={},
        output=output,
        executor=executor,
    )
    listeners: list[Listener] = [voice, executor, watchdog, rig]
    ledger = Ledger(history, LogHistory(history), listeners, [executor], words=words)
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        side = [tasks.create_task(ledger.run()), tasks.create_task(watchdog.run())]
        working = tasks.create_task(executor.run(stopping, 0.0))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not executor.working.is_set() and not working.done():
                    await asyncio.wait(
                        {working, asyncio.ensure_future(executor.working.wait())},
                        return_when=asyncio.FIRST_COMPLETED,
                    )
            yield rig
        finally:
            stopping.set()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await working
            for task in side:
                task.cancel()
    for log in (history, output, beats):
        await log.close()
