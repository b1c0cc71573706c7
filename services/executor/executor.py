"""Claims tasks, has them run, and stops them when the log says so.

It supervises and never runs anybody's code itself. What it knows comes from the ledger, entry by
entry; what it does it says on the log.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from pydantic import ValidationError

from events.cancel_events import CancelRequested
from events.errors import CountermandError
from events.event import Event
from events.executor_events import ExecutorSteered
from events.ids import derived_id, is_at_or_below
from events.log import Log
from events.positions import Frontier
from events.project_events import ProjectCancelRequested
from events.rules.running import why_not_claimable
from events.rules.stopping import cancel_by, of_task
from events.run_events import RunReleased
from events.state import ProjectState, Root, Run, TaskState
from events.words import ACTIVE, Evidence, ProjectStatus, Status
from projections.entry import Decoded, Entry
from services.executor.abilities import Abilities
from services.executor.closings import Closings
from services.executor.engine import Engine, Engines
from services.executor.lease import Lease
from services.executor.output import Outputs
from services.executor.peers import Heartbeat, Peers
from services.executor.run import LiveRun
from services.executor.settings import ExecutorSettings
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Lane, Place, WaitingRoom
from services.log_end import end_of
from services.log_following import follow_on
from services.patience import Patience
from services.secrets.vault import Vault
from services.voice import Voice, as_executor
from services.world import World

PEERS_RECORDS = 1000


class PredecessorLives(CountermandError):
    """The guardian of an earlier executor in this folder hasn't finished."""

    def __init__(self) -> None:
        super().__init__(
            "processes of an earlier executor still hold the lock in this folder: they are killed "
            "when their lease is over; start again then, or give this executor a folder of its own"
        )


PENDING, SKIPPED = Status.PENDING, Status.SKIPPED
"""Looked up once: they are asked for with every task."""


class Executor:
    """One executor process."""

    def __init__(
        self,
        executor_id: str,
        *,
        history: Log,
        output: Log,
        heartbeats: Log,
        voice: Voice,
        region: str,
        engines: Engines,
        settings: ExecutorSettings,
        world: World,
        alone: bool,
        vault: Vault | None = None,
    ) -> None:
        """`alone`: no other executor can ever write this log, so that its folder's lock tells that
        whatever a predecessor ran is gone."""
        self.id = executor_id
        self.draining = False
        self.runs: dict[Place, LiveRun] = {}
        self.working = asyncio.Event()
        """Set once it claims."""
        self._roots: Mapping[str, Root] = {}
        self._recalled = asyncio.Event()
        self._voice = voice
        self._heartbeats = heartbeats
        self._region = region
        self._engines = engines
        self._settings = settings
        self._world = world
        self._alone = alone
        self._vault = vault
        self._outputs = Outputs(output, voice, executor_id, settings)
        self._up_since = 0.0
        self._peers = Peers(region, lambda: asyncio.get_running_loop().time())
        self._lease = Lease(
            heartbeats, self.heartbeat, settings.lease_seconds, settings.heartbeats_per_lease
        )
        self._engine: Engine | None = None
        self._abilities = Abilities()
        self._room: WaitingRoom | None = None
        self._around: Surroundings | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._running: Counter[str] = Counter()
        self._own_processes = 0
        self._executing: set[str] = set()
        """Projects whose tasks may be claimed."""
        self._claims = asyncio.Semaphore(settings.concurrent_claims)
        self._left: dict[Place, None] = {}
        """Remote runs that go on, and that nobody here looks after."""
        self._ending = False
        self._orders: set[UUID] = set()
        """Of operators, that were obeyed."""
        self._undrained = asyncio.Event()
        self._undrained.set()
        self._fit = asyncio.Event()
        """Set while a guardian lives and the lease holds."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._closings = Closings(executor_id, voice)

    # ── what it hears ─────────────────────────────────────────────────────────────────────────────

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots
        self._recalled.set()

    def entered(self, entries: Sequence[Entry]) -> None:
        if self._room is None:
            return  # Everything that is alive is looked at when the room opens.
        closing: list[Event] = []
        for entry in entries:
            outcome, event = entry.outcome, entry.event
            if event is None:
                continue
            if isinstance(event.data, ExecutorSteered) and event.subject == self.id:
                self._steered(event.id, event.data)
            for task in outcome.tasks:
                self._changed(entry.key, event.organization, task, closing)
            if outcome.project is not None:
                self._project_changed(entry.key, event.organization, outcome.project)
        if closing and self._tasks is not None:
            self._tasks.create_task(self._voice.say(*closing))

    def unjudged(self, cancels: Sequence[Decoded]) -> None:
        """Cancels whose verdict nobody here can tell: a run that they would stop is stopped."""
        for event in (one.event for one in cancels):
            if event is None or not isinstance(
                event.data, CancelRequested | ProjectCancelRequested
            ):
                continue
            for run in self.runs.values():
                if run.place.organization == event.organization and is_at_or_below(
                    run.place.task_id, event.subject
                ):
                    run.cancelled_by(of_task(cancel_by(event, event.data), run.task))

    async def room(self) -> None:
        """Always: what can't be claimed yet stays in the ledger's memory."""

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(
            executor=self.id,
            sent_at=self._world.now(),
            region=self._region,
            labels=self._settings.labels,
            kinds=self._abilities.kinds(),
            budgets_seconds=self._abilities.budgets(),
            lease_seconds=self._settings.lease_seconds,
            concurrent_runs=self._settings.concurrent_runs,
            running=len(self.runs),
            draining=self.draining,
        )

    def secrets_of(self, kind: str) -> Collection[str]:
        """The names of what runs of this kind are told in secret, as far as it is known here."""
        return self._abilities.secrets_of(kind)

    def _steered(self, order: UUID, said: ExecutorSteered) -> None:
        """Obey, once: a repeat of an older order must not undo a newer one. And say so at once."""
        if order in self._orders:
            return
        self._orders.add(order)
        if said.claiming:
            self.resume()
        else:
            self.drain()
        if self._tasks is not None and not self._ending:
            self._tasks.create_task(self._lease.beat())

    def drain(self) -> None:
        """Claim nothing more; what runs goes on."""
        self.draining = True
        self._undrained.clear()

    def resume(self) -> None:
        """Claim again."""
        if not self._ending:
            self.draining = False
            self._undrained.set()

    # ── its life ──────────────────────────────────────────────────────────────────────────────────

    async def run(self, stopping: asyncio.Event, grace_seconds: float) -> None:
        """Live until `stopping` is set and everything here has ended."""
        await self._recalled.wait()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._up_since = asyncio.get_running_loop().time()
            self._around = Surroundings(
                executor_id=self.id,
                region=self._region,
                voice=self._voice,
                outputs=self._outputs,
                settings=self._settings,
                world=self._world,
                vault=self._vault,
                troubles=self._abilities.troubles,
                tasks=tasks,
                claim_patience=Patience(self._settings.lease_seconds, TimeoutError),
            )
            # 1. Nothing of a predecessor may be alive when this one claims.
            # 2. A lease, an engine, and a heartbeat that says what it can run.
            await self._open()
            # 3. What the predecessor left behind, then whatever waits.
            self._room = WaitingRoom(
                self.id,
                self._region,
                self._abilities.kinds(),
                self._peers,
                self._settings,
                self._world,
                # A kind may only be missing because those who know it are being restarted.
                strange_kinds_seconds=0.0 if self._alone else self._settings.lease_seconds,
            )
            self._look_at_everything()
            leasing = tasks.create_task(self._lease.keep(self._renewed))
            guarding = tasks.create_task(self._stay_guarded())
            loops = [
                tasks.create_task(self._hear_peers()),
                tasks.create_task(self._outputs.write()),
                tasks.create_task(self._claim()),
                tasks.create_task(self._closings.run()),
            ]
            self._adopt_what_is_left()
            self.working.set()
            await stopping.wait()
            # 4. The end, in this order.
            await self._end_runs(grace_seconds)
            await self._close(guarding)
            leasing.cancel()
            await self._say_farewell()
            for loop in loops:
                loop.cancel()

    async def _end_runs(self, grace_seconds: float) -> None:
        """Stop claiming; let runs end; release the rest, and say so."""
        self._ending = True
        self.drain()
        self._let_go_of_remote_runs()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for run in list(self.runs.values()):
                limit = self._settings.shutdown_run_grace_seconds
                run.shut_down(min(run.task.spec.grace_seconds, limit))
        await self._idle.wait()

    async def _close(self, guarding: "asyncio.Task[None]") -> None:
        """Nobody opens an engine any more; the one there is goes, with what idles under it."""
        guarding.cancel()
        await asyncio.wait({guarding})
        if self._room is not None:
            self._room.close()
        if self._engine is not None:
            await self._engine.close()

    async def _say_farewell(self) -> None:
        """Once it holds nothing. Who doesn't hear it learns the same when the lease is over."""
        try:
            async with asyncio.timeout(self._settings.lease_seconds):
                await self._lease.beat(ended=True)
        except TimeoutError:
            return

    async def _open(self) -> None:
        """A lease, an engine, and a heartbeat that says what it can run."""
        while True:
            if not await self._engines.predecessor_gone():
                raise PredecessorLives
            await self._lease.beat()
            try:
                self._engine = await self._engines.open(self._lease.until)
                self._abilities.of(self._engine)
            except CountermandError:
                if asyncio.get_running_loop().time() < self._lease.until:
                    raise
                continue  # This process was stopped meanwhile, and its lease ended.
            await self._lease.beat()
            self._engine.renew(self._lease.until)
            self._fit.set()
            return

    async def _stay_guarded(self) -> None:
        """When the guardian is gone, so is everything it guarded: begin anew, with nothing."""
        while True:
            assert self._engine is not None
            await asyncio.shield(self._engine.closed)
            if self._ending:
                return
            self._fit.clear()
            self._let_go_of_remote_runs()
            await self._idle.wait()
            await self._engine.close()
            await self._open()
            self._adopt_what_is_left()

    def _renewed(self, until: float) -> None:
        if self._engine is not None:
            self._engine.renew(until)
        if self._room is not None:
            self._room.look_at_strange_kinds()
            self._adopt_what_is_left()

    async def _hear_peers(self) -> None:
        end = await end_of(self._heartbeats)
        start = {partition: max(offset - PEERS_RECORDS, 0) for partition, offset in end.items()}
        async for records in follow_on(self._heartbeats, start):
            for record in records:
                try:
                    self._peers.heard(Heartbeat.model_validate_json(record.value))
                except ValidationError:
                    continue  # Another release's heartbeat: its executor is none of ours.

    # ── claiming ──────────────────────────────────────────────────────────────────────────────────

    async def _claim(self) -> None:
        """Take whoever is next, as long as there is room for another run."""
        assert self._room is not None
        assert self._tasks is not None
        while True:
            await self._room.ready.wait()
            await self._undrained.wait()
            await self._fit.wait()
            await self._claims.acquire()
            if not (self._undrained.is_set() and self._fit.is_set()):
                self._claims.release()  # What was true before the other waits isn't any more.
                continue
            place = self._next()
            run = None if place is None else self._run_at(place)
            if run is None:
                self._claims.release()
            else:
                self._take_up(run)
                self._tasks.create_task(self._live(run))

    def _next(self) -> Place | None:
        assert self._room is not None
        if len(self.runs) >= self._settings.concurrent_runs:
            self._room.ready.clear()
            return None
        return self._room.take(self._at_its_limit)

    def _at_its_limit(self, lane: Lane) -> bool:
        limit = self._settings.concurrent_runs_by_kind.get(lane.kind)
        if limit is not None and self._running[lane.kind] >= limit:
            return True
        if self._own_processes < self._settings.concurrent_isolated_runs:
            return False
        runtime = self._abilities.runtime_of(lane.kind)
        return lane.isolated or (runtime is not None and runtime.has_own_process(lane.kind))

    def _run_at(self, place: Place) -> LiveRun | None:
        """The run to be, if the task may still be claimed."""
        assert self._room is not None
        assert self._around is not None
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if root is None or task is None or place in self.runs:
            return None
        now = self._world.now()
        if why_not_claimable(root, task, task.attempt, self._region, now) is not None:
            self._room.consider(place, root, task)
            return None
        return LiveRun(
            place=place,
            task=task,
            run_id=self._world.new_id(),
            runtime=self._abilities.runtime_of(task.spec.kind),
            around=self._around,
        )

    async def _live(self, run: LiveRun) -> None:
        try:
            try:
                claimed = await run.claim()
            finally:
                self._claims.release()
            if claimed:
                await run.live()
        finally:
            self._put_down(run)
        if not claimed:
            await self._give_back(run)

    async def _give_back(self, run: LiveRun) -> None:
        """A claim that was given up may have become effective in the same moment."""
        root = self._roots.get(run.place.key)
        task = root.tasks.get(run.task.id) if root else None
        if task is not None and task.run is not None and task.run.id == run.run_id:
            organization = run.place.organization
            await self._voice.say(self._left_behind(organization, task, Evidence.NEVER_STARTED))

    # ── remote runs: they outlive executors ───────────────────────────────────────────────────────

    def _let_go_of_remote_runs(self) -> None:
        """They go on without this executor, or at least without its engine."""
        for run in self.runs.values():
            if run.runtime is not None and run.runtime.remote:
                run.disown()

    def _adopt_what_is_left(self) -> None:
        for place in list(self._left):
            self._adopt(place)

    def _adopt(self, place: Place) -> None:
        """Look after this remote run, if nobody does, and if that is possible here."""
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if task is None or task.status not in ACTIVE:
            self._left.pop(place, None)
            return
        run = None if self._ending or place in self.runs else self._adoption(place, task)
        if run is None:
            self._left[place] = None
            return
        assert self._tasks is not None
        self._left.pop(place, None)
        self._take_up(run)
        self._tasks.create_task(self._live_on(run))

    def _adoption(self, place: Place, task: TaskState) -> LiveRun | None:
        if task.run is None or not task.run.remote:
            return None
        runtime = self._abilities.runtime_of(task.spec.kind)
        if runtime is None or task.spec.region != self._region or not self._is_gone(task.run):
            return None
        assert self._around is not None
        adopted = LiveRun(
            place=place,
            task=task,
            run_id=task.run.id,
            runtime=runtime,
            around=self._around,
            adopts=task.run,
        )
        if task.cancel is not None:
            adopted.cancelled_by(task.cancel)
        return adopted

    def _is_gone(self, run: Run) -> bool:
        """Whose run it was says nothing any more; that takes having listened for a whole lease."""
        if self._alone or run.executor == self.id:
            return True
        now = asyncio.get_running_loop().time()
        alive = {heartbeat.executor for heartbeat in self._peers.alive()}
        return now - self._up_since > self._settings.lease_seconds and run.executor not in alive

    async def _live_on(self, run: LiveRun) -> None:
        try:
            if await run.adopt():
                await run.live()
        finally:
            self._put_down(run)

    def _take_up(self, run: LiveRun) -> None:
        self.runs[run.place] = run
        self._running[run.task.spec.kind] += 1
        self._own_processes += run.own_process
        self._idle.clear()

    def _put_down(self, run: LiveRun) -> None:
        """There is room for another run, and perhaps for the same task again."""
        assert self._room is not None
        del self.runs[run.place]
        if run.disowned and run.runtime is not None and run.runtime.remote:
            self._left[run.place] = None  # Until its executor, if there is one, says more.
        self._running[run.task.spec.kind] -= 1
        self._own_processes -= run.own_process
        if not self.runs:
            self._idle.set()
        self._room.ready.set()
        self._look_at_one(run.place)

    # ── reacting ──────────────────────────────────────────────────────────────────────────────────

    def _look_at_everything(self) -> None:
        assert self._tasks is not None
        closing: list[Event] = []
        for key, root in list(self._roots.items()):
            organization = key.partition("/")[0]
            for task in root.tasks.values():
                self._changed(key, organization, task, closing)
            if root.project is not None:
                self._project_changed(key, organization, root.project)
        if closing:
            self._tasks.create_task(self._voice.say(*closing))

    def _project_changed(self, key: str, organization: str, project: ProjectState) -> None:
        """Once a project executes with all its tasks there, look at all that waited for it."""
        executing = project.status is ProjectStatus.EXECUTING and project.complete
        if not executing:
            self._executing.discard(key)
        elif key not in self._executing:
            self._executing.add(key)
            for task in self._roots[key].tasks.values():
                self._look_at_one(Place(key, organization, task.id))

    def _look_at_one(self, place: Place) -> None:
        root = self._roots.get(place.key)
        task = root.tasks.get(place.task_id) if root else None
        if task is not None and task.status is Status.PENDING and root is not None:
            assert self._room is not None
            self._room.consider(place, root, task)

    def _changed(self, key: str, organization: str, task: TaskState, closing: list[Event]) -> None:
        """What a task's new state means for this executor."""
        assert self._room is not None
        place = Place(key, organization, task.id)
        if task.status is not SKIPPED:  # Nothing of it ran, and one cancel may skip ten thousand.
            self._ran_or_may_run(place, task, closing)
        if task.status is not PENDING:
            self._room.forget(place, task.spec.kind)
        for waiter in self._room.released(key, task):
            self._look_at_one(waiter)

    def _ran_or_may_run(self, place: Place, task: TaskState, closing: list[Event]) -> None:
        organization, run = place.organization, self.runs.get(place)
        held = run is not None and task.run is not None and task.run.id == run.run_id
        match task.status:
            case Status.PENDING:
                if run is None:
                    self._look_at_one(place)
                elif run.task.attempt < task.attempt:
                    run.disown()
            case Status.RUNNING | Status.WAITING | Status.CANCELLING:
                if held and run is not None:
                    self._tell(run, task)
                elif task.run is not None and task.run.remote:
                    self._adopt(place)
                elif task.run is not None and task.run.executor == self.id:
                    # A claim of its own that is effective, and that nobody here holds.
                    closing.append(self._left_behind(organization, task, Evidence.NEVER_STARTED))
                elif task.run is not None and self._alone and not task.run.remote:
                    # A predecessor's, and nothing of that is alive.
                    closing.append(self._left_behind(organization, task, Evidence.KILLED))
            case Status.CANCELLED if task.evidence is Evidence.NEVER_STARTED and not task.closed:
                if not self._peers.before(self.id, task.id, task.spec.kind, task.spec.requires):
                    self._closings.due(organization, task)
            case _:
                if held and run is not None:
                    run.disown()
        if task.status not in ACTIVE:
            self._left.pop(place, None)

    def _tell(self, run: LiveRun, task: TaskState) -> None:
        owner = None if task.run is None else task.run.executor
        if owner != self.id and (run.adopts is None or run.adopts.executor != owner):
            run.disown()  # Somebody else has adopted it.
        elif task.status is Status.CANCELLING and task.cancel is not None:
            run.cancelled_by(task.cancel)
        elif task.status is Status.RUNNING and task.answered > len(run.task.answers):
            run.answered(task.answered, task.answers[-1])

    def _left_behind(self, organization: str, task: TaskState, evidence: Evidence) -> Event:
        """A run that is checked to be gone: its guardian, or this executor, says so."""
        assert task.run is not None
        body = RunReleased(
            actor=as_executor(self.id, organization), run_id=task.run.id, evidence=evidence
        )
        return self._voice.event(
            body,
            subject=task.id,
            organization=organization,
            id=derived_id(task.run.id, "released"),
        )
