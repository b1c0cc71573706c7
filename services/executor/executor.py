"""Claims tasks, has them run, and stops them when the log says so.

It supervises and never runs anybody's code itself. What it knows comes from the ledger, entry by
entry; what it does it says on the log.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from pydantic import ValidationError

from events.cancel_events import CancelRequested
from events.errors import CountermandError
from events.executor_events import ExecutorSteered
from events.ids import is_at_or_below
from events.log import Log
from events.positions import Frontier
from events.project_events import ProjectCancelRequested
from events.rules.stopping import cancel_by, of_task
from events.state import Root
from projections.entry import Decoded, Entry
from services.executor.abilities import Abilities
from services.executor.closings import Closings
from services.executor.engine import Engines
from services.executor.guarded_engine import GuardedEngine
from services.executor.held_runs import HeldRuns
from services.executor.lease import Lease
from services.executor.output import Outputs
from services.executor.peers import Heartbeat, Peers
from services.executor.run import LiveRun
from services.executor.settings import ExecutorSettings
from services.executor.surroundings import Surroundings
from services.executor.waiting_room import Place
from services.executor.work import Work, work_to_do
from services.log_end import end_of
from services.log_following import follow_on
from services.patience import Patience
from services.secrets.vault import Vault
from services.voice import Voice
from services.world import World

PEERS_RECORDS = 1000


class LastWordsUnheard(CountermandError):
    """The log didn't answer at the end."""

    def __init__(self, runs: int) -> None:
        what = (
            f"how {runs} run(s) of this executor ended. Nothing of them is alive; a watchdog will "
            "say that they are lost, or the next service on this log"
            if runs
            else "that this executor has ended; it had no runs"
        )
        super().__init__(
            f"the log hasn't answered within a lease: it isn't told {what}. Look why the log can't "
            "be reached"
        )


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
        self.working = asyncio.Event()
        """Set once it claims."""
        self._roots: Mapping[str, Root] = {}
        self._recalled = asyncio.Event()
        self._voice = voice
        self._heartbeats = heartbeats
        self._region = region
        self._settings = settings
        self._world = world
        self._alone = alone
        self._vault = vault
        self._outputs = Outputs(output, voice, executor_id, settings)
        self._peers = Peers(region, lambda: asyncio.get_running_loop().time())
        self._lease = Lease(
            heartbeats, self.heartbeat, settings.lease_seconds, settings.heartbeats_per_lease
        )
        self._abilities = Abilities()
        self._guarded = GuardedEngine(engines, self._lease, self._abilities)
        self._held = HeldRuns(settings, self._abilities, self._freed)
        self._closings = Closings(executor_id, voice)
        self._work: Work | None = None
        """There is none before an engine is open."""
        self._tasks: asyncio.TaskGroup | None = None
        self._ending = False
        self._orders: set[UUID] = set()
        """Of operators, that were obeyed."""
        self._undrained = asyncio.Event()
        self._undrained.set()

    @property
    def runs(self) -> Mapping[Place, LiveRun]:
        return self._held.by_place

    # ── what it hears ─────────────────────────────────────────────────────────────────────────────

    def recalled(self, roots: Mapping[str, Root], frontier: Frontier) -> None:
        self._roots = roots
        self._recalled.set()

    def entered(self, entries: Sequence[Entry]) -> None:
        if self._work is None:
            return  # Everything that is alive is looked at when the work begins.
        for event in (entry.event for entry in entries):
            if (
                event is not None
                and isinstance(event.data, ExecutorSteered)
                and event.subject == self.id
            ):
                self._steered(event.id, event.data)
        self._work.reactions.entered(entries)

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
        """Live until `stopping` is set and everything here has ended. Raises `LastWordsUnheard`."""
        await self._recalled.wait()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            listening_since = asyncio.get_running_loop().time()
            around = Surroundings(
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
            await self._guarded.open()
            # 3. What the predecessor left behind, then whatever waits.
            self._work = work = work_to_do(
                self._roots,
                self._held,
                self._abilities,
                self._closings,
                self._peers,
                around,
                alone=self._alone,
                listening_since=listening_since,
                undrained=self._undrained,
                fit=self._guarded.fit,
            )
            work.reactions.look_at_everything()
            leasing = tasks.create_task(self._lease.keep(self._renewed))
            guarding = tasks.create_task(self._stay_guarded(work))
            loops = [
                tasks.create_task(self._hear_peers()),
                tasks.create_task(self._outputs.write()),
                tasks.create_task(work.claiming.claim()),
                tasks.create_task(self._closings.run()),
            ]
            work.adoptions.adopt_what_is_left()
            self.working.set()
            await stopping.wait()
            # 4. The end, in this order.
            await self._end_runs(work, grace_seconds)
            # Nobody opens an engine any more; the one there is goes, with what idles under it.
            guarding.cancel()
            await asyncio.wait({guarding})
            work.room.close()
            await self._guarded.close()
            leasing.cancel()
            farewell = not self.runs and await self._said_farewell()
            for loop in loops:
                loop.cancel()
            if not farewell:
                raise LastWordsUnheard(len(self.runs))

    async def _end_runs(self, work: Work, grace_seconds: float) -> None:
        """Stop claiming; let runs end; release the rest, and say so.

        What can't be said within a lease is given up: others will find the runs lost by then, and
        who is told to end must end.
        """
        self._ending = True
        self.drain()
        work.adoptions.end()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._held.idle.wait()
        except TimeoutError:
            for run in list(self.runs.values()):
                limit = self._settings.shutdown_run_grace_seconds
                run.shut_down(min(run.task.spec.grace_seconds, limit))
        limit = self._settings.shutdown_run_grace_seconds + self._settings.lease_seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._held.idle.wait()

    async def _said_farewell(self) -> bool:
        """Once it holds nothing. Who doesn't hear it learns the same when the lease is over."""
        try:
            async with asyncio.timeout(self._settings.lease_seconds):
                await self._lease.beat(ended=True)
        except TimeoutError:
            return False
        return True

    async def _stay_guarded(self, work: Work) -> None:
        """When the guardian goes, so does everything it guarded: begin anew, with nothing."""
        while True:
            await self._guarded.ending()
            if self._ending:
                return
            work.adoptions.let_go()
            await self._held.idle.wait()
            await self._guarded.close()
            await self._guarded.open()
            work.adoptions.adopt_what_is_left()

    def _renewed(self, until: float) -> None:
        self._guarded.renew(until)
        if self._work is not None:
            self._work.room.look_at_strange_kinds()
            self._work.adoptions.adopt_what_is_left()

    def _freed(self, run: LiveRun) -> None:
        assert self._work is not None
        self._work.reactions.freed(run)

    async def _hear_peers(self) -> None:
        end = await end_of(self._heartbeats)
        start = {partition: max(offset - PEERS_RECORDS, 0) for partition, offset in end.items()}
        async for records in follow_on(self._heartbeats, start):
            for record in records:
                try:
                    self._peers.heard(Heartbeat.model_validate_json(record.value))
                except ValidationError:
                    continue  # Another release's heartbeat: its executor is none of ours.
