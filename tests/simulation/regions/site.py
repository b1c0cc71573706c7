"""One region: its log, what is copied of the others, its gateway, and who runs its tasks."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from events.body import Actor
from events.cancel_events import TaskCancelled
from events.event import Event
from events.fold import evolve
from events.ids import log_key
from events.log import Record
from events.outcome import Outcome, apply
from events.positions import Frontier, covers, reaches
from events.region_events import RootHandedOver
from events.rules.running import why_not_claimable
from events.run_events import TaskCompleted, TaskStarted
from events.state import Root, TaskState
from events.words import Evidence, Reason, Status, Verdict
from projections.entry import Entry, decoded
from services.control_store.tables import region_lines, region_news
from services.ledger import Ledger
from services.read_models.every_line import AnyLine
from services.regions.addressing import FORWARDED
from services.regions.copies import Copies
from services.regions.dock import Dock
from services.regions.settings import RegionAddress, RegionSettings
from services.verdicts import Verdicts
from services.voice import Voice
from tests.simulation.faults import Faults
from tests.simulation.node import Node
from tests.simulation.read_models import NodeHistory, ReadModels
from tests.simulation.schedule import Schedule
from tests.simulation.streams import NodeLog, Stream

ORGANIZATION = "acme"
Answer = TypeVar("Answer")


class Judged(NamedTuple):
    """A record of a region's log, as the fold judged it."""

    record: Record
    event: Event
    outcome: Outcome


class Site:
    """What outlives its processes, and the gateway that lives now."""

    def __init__(self, name: str, others: Sequence[str], schedule: Schedule, seed: str) -> None:
        self.name = name
        self.faults = Faults.of(f"{seed}/{name}")
        self.random = random.Random(f"{seed}/{name}/site")
        self.judged: list[Judged] = []
        self.roots: dict[str, Root] = {}
        self.first: dict[UUID, Judged] = {}
        """By event, what its first record did."""
        self.started: set[str] = set()
        """Tasks that ran here."""
        partitions = self.random.choice((1, 2))
        self.history = Stream("history", partitions, schedule, self.faults, self._stored)
        self.models = ReadModels(self.history, self.faults)
        self.settings = RegionSettings(
            others={each: RegionAddress(url="http://x", key="k") for each in others},  # type: ignore[arg-type]
            parcel_lines=self.random.choice((2, 7, 100)),
            parcel_wait_seconds=2.0,
        )
        self.database = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        for table in (region_news, region_lines):
            table.create(self.database)
        self.node: Node | None = None
        self.dock: Dock | None = None
        self.copies: Copies | None = None
        self.voice: Voice | None = None

    def _stored(self, record: Record) -> None:
        event = decoded(record).event
        assert event is not None
        root = self.roots.setdefault(event.key, Root())
        outcome = evolve(root, event)
        apply(root, outcome)
        judged = Judged(record, event, outcome)
        self.judged.append(judged)
        self.first.setdefault(event.id, judged)
        if isinstance(event.data, TaskStarted) and outcome.verdict is Verdict.EFFECTIVE:
            self.started.add(event.subject)

    def home_of(self, task_id: str, began_in: str) -> str:
        """The region that decides about it, as far as this one's log tells."""
        root = self.roots.get(log_key(ORGANIZATION, task_id))
        if root is None:
            return began_in
        return root.home or (self.name if root.tasks else began_in)

    def handed_over(self) -> Iterator[tuple[Judged, str]]:
        """What moved away, and to where."""
        for each in self.judged:
            body = each.event.data
            if isinstance(body, RootHandedOver) and each.outcome.verdict is Verdict.EFFECTIVE:
                yield each, body.to

    def forwarded(self) -> Iterator[tuple[Judged, str]]:
        """What was asked here after its root had moved, and where that had moved to."""
        moved_to: dict[str, str] = {}
        for each in self.judged:
            body, outcome = each.event.data, each.outcome
            if isinstance(body, RootHandedOver) and outcome.verdict is Verdict.EFFECTIVE:
                moved_to[each.event.key] = body.to
            elif outcome.reason is Reason.MOVED and body.TYPE in FORWARDED:
                yield each, moved_to[each.event.key]

    def sent_on(self, event_id: UUID) -> str | None:
        return next((to for each, to in self.forwarded() if each.event.id == event_id), None)

    async def gateway_life(self, node: Node, ready: Callable[[], None]) -> None:
        verdicts = Verdicts()
        log = NodeLog(self.history, node)
        reads = SiteReads(self, node)
        store = SiteStore(self, node)
        self.voice = Voice(
            log, node.world, source=f"/gateway/{node.name}", region=self.name, words=node.words
        )
        self.copies = Copies(store, self.settings, node.world.now)  # type: ignore[arg-type]
        self.dock = Dock(
            self.name,
            log=log,
            words=node.words,
            reads=reads,
            verdicts=verdicts,
            copies=self.copies,
            settings=self.settings,
            world=node.world,
            read_wait_seconds=1.0,
        )
        history = NodeHistory(self.models, node, self.faults)
        ledger = Ledger(log, history, (verdicts, self.voice, self.dock.recent), words=node.words)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ledger.run())
            tasks.create_task(self.copies.run())
            await ledger.ready.wait()
            ready()

    async def runner_life(self, node: Node) -> None:
        """Claims what is pending here, runs it for a while, stops it when asked."""
        log = NodeLog(self.history, node)
        voice = Voice(
            log, node.world, source=f"/runner/{node.name}", region=self.name, words=node.words
        )
        history = NodeHistory(self.models, node, self.faults)
        async with asyncio.TaskGroup() as tasks:
            runner = Runner(self, node, voice, tasks)
            await Ledger(log, history, (voice, runner), words=node.words).run()


class SiteStore:
    """`ControlStore`, over a database that outlives the process that asks."""

    def __init__(self, site: Site, node: Node) -> None:
        self._site = site

    async def ask(self, do: Callable[[sa.Connection], Answer]) -> Answer:
        await asyncio.sleep(self._site.faults.latency_seconds(1.0))
        with self._site.database.begin() as connection:
            answer = do(connection)
        await asyncio.sleep(self._site.faults.latency_seconds(1.0))
        return answer

    look = glance = ask


class SiteReads:
    """What a dock asks of the read models."""

    def __init__(self, site: Site, node: Node) -> None:
        self._site = site

    def frontier(self) -> Frontier:
        return dict(self._site.models.frontier)

    async def reached(self, frontier: Frontier, timeout_seconds: float) -> bool:
        for _ in range(int(timeout_seconds * 10)):
            if reaches(self._site.models.frontier, frontier):
                return True
            await asyncio.sleep(0.1)
        return False

    async def lines(self, start: Frontier, end: Frontier, limit: int) -> Sequence[AnyLine]:
        found = [
            each
            for each in self._site.judged
            if not covers(start, each.record.position) and covers(end, each.record.position)
        ]
        found.sort(key=lambda each: each.record.position)
        return [
            AnyLine(
                each.record.position,
                each.record.appended_at_us,
                each.record.value,
                str(each.outcome.verdict),
                each.outcome.reason and str(each.outcome.reason),
                each.event.organization,
                each.event.type,
                each.event.root,
                each.event.id.hex,
            )
            for each in found[:limit]
        ]


class Runner:
    """A listener of its node's ledger."""

    def __init__(self, site: Site, node: Node, voice: Voice, tasks: asyncio.TaskGroup) -> None:
        self._site = site
        self._node = node
        self._voice = voice
        self._tasks = tasks
        self._roots: Mapping[str, Root] = {}
        self._actor = Actor(kind="executor", id=node.name, organization=ORGANIZATION)

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots
        for key, root in roots.items():
            self._look_at(key, root.tasks.values())

    def entered(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._look_at(entry.key, entry.outcome.tasks)

    def _look_at(self, key: str, changed: Iterable[TaskState]) -> None:
        for task in changed:
            if task.status is Status.PENDING:
                self._tasks.create_task(self._run(key, task))
            elif task.status is Status.CANCELLING:
                self._tasks.create_task(self._stop(task))

    async def room(self) -> None:
        """Always."""

    async def _run(self, key: str, task: TaskState) -> None:
        await asyncio.sleep(self._node.random.uniform(0.0, 3.0))
        while True:
            root, now = self._roots[key], self._node.world.now()
            mine = root.tasks[task.id]
            why = why_not_claimable(root, mine, task.attempt, self._site.name, now)
            if why is not Reason.TOO_EARLY:
                break
            await asyncio.sleep(1.0)
        if why is not None:
            return
        run_id = self._node.world.new_id()
        claim = TaskStarted(
            actor=self._actor,
            run_id=run_id,
            attempt=task.attempt,
            executor=self._node.name,
            region=self._site.name,
        )
        if (await self._say(task, claim)).verdict is Verdict.EFFECTIVE:
            await asyncio.sleep(self._node.random.uniform(0.0, 6.0))
            await self._say(task, TaskCompleted(actor=self._actor, run_id=run_id))

    async def _stop(self, task: TaskState) -> None:
        assert task.cancel is not None
        assert task.run is not None
        await asyncio.sleep(self._node.random.uniform(0.0, 2.0))
        body = TaskCancelled(
            actor=self._actor,
            run_id=task.run.id,
            cancel_id=task.cancel.id,
            evidence=Evidence.ACKNOWLEDGED,
        )
        await self._say(task, body)

    async def _say(self, task: TaskState, body: Any) -> Outcome:
        event = self._voice.event(body, subject=task.id, organization=ORGANIZATION)
        return await self._voice.ask(event)
