"""What a caller may rely on, checked against the log and against what really happened.

It folds every record as soon as it is stored, by itself, and knows every run as it really is. The
first promise that is broken ends the simulation.
"""

import hashlib
import math
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from pydantic import BaseModel

from events.cancel_events import TaskCancelled
from events.event import Event
from events.fold import evolve
from events.log import Record
from events.outcome import Outcome, apply
from events.run_events import RunLost, RunReleased, TaskCompleted, TaskFailed
from events.state import Root, TaskState
from events.words import ACTIVE, TERMINAL, Evidence, Status, Verdict
from projections.entry import decoded
from services.executor.peers import Heartbeat
from services.executor.runtime import Broke, Completed, Stopped
from services.executor.settings import ExecutorSettings
from tests.simulation.hosts import KILL_SECONDS, HostedRun, Watcher
from tests.simulation.node import START
from tests.simulation.schedule import Schedule

Where: TypeAlias = tuple[str, str]
"""A task: log key and id."""


HEARD_WITHIN_SECONDS = 5.0
"""A heartbeat, by everybody."""


class Broken(AssertionError):
    """A promise that wasn't kept."""


class Executing(BaseModel):
    """An executor: what it was set to, and what its heartbeats in the log show."""

    skew_seconds: float
    kinds: frozenset[str]
    isolated_kinds: frozenset[str]
    settings: ExecutorSettings
    lease_until: float = 0.0
    known_since: float = math.inf
    """Without a break in its lease, with what it can run."""


class Promises(Watcher):
    def __init__(self, schedule: Schedule) -> None:
        self.roots: dict[str, Root] = {}
        self.outcomes: dict[UUID, Outcome] = {}
        """The first verdict on each event."""
        self.runs: dict[UUID, HostedRun] = {}
        self.alive: dict[Where, HostedRun] = {}
        self.executors: dict[str, Executing] = {}
        self.cancelled: set[Where] = set()
        """Tasks of which a cancel was effective while they were alive."""
        self.counts: dict[str, int] = {}
        self.last_stored_at = 0.0
        self.told: list[str] = []
        """The story so far, for people."""
        self._schedule = schedule
        self._digest = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """Of everything that happened: the same seed must give the same."""
        return self._digest.hexdigest()

    def note(self, text: str) -> None:
        line = f"{self._schedule.now:10.4f} {text}"
        self._digest.update(line.encode())
        self.told.append(line)

    def require(self, kept: bool, broken: str) -> None:
        if not kept:
            raise Broken(f"at {self._schedule.now:.4f} s: {broken}")

    # ── the log ───────────────────────────────────────────────────────────────────────────────────

    def stored(self, record: Record) -> None:
        event = decoded(record).event
        assert event is not None, record
        root = self.roots.setdefault(event.key, Root())
        outcome = evolve(root, event)
        before = {task.id: root.tasks.get(task.id) for task in outcome.tasks}
        ended = self._run_of(root, event)
        apply(root, outcome)
        self.outcomes.setdefault(event.id, outcome)
        self.last_stored_at = self._schedule.now
        self._tell(record, event, outcome)
        if outcome.verdict is Verdict.EFFECTIVE:
            self._check_what_is_said(event, ended)
        for task in outcome.tasks:
            self._check_change(event.key, before[task.id], task)

    def _run_of(self, root: Root, event: Event) -> HostedRun | None:
        """The run that this event is about, if its code ever began."""
        run_id = getattr(event.data, "run_id", None)
        return self.runs.get(run_id) if run_id is not None else None

    def _tell(self, record: Record, event: Event, outcome: Outcome) -> None:
        name = type(event.data).__name__
        reason = f" {outcome.reason}" if outcome.reason else ""
        run_id = getattr(event.data, "run_id", None)
        about = f" run {str(run_id)[-6:]}" if run_id else ""
        evidence = getattr(event.data, "evidence", None)
        about += f" {evidence}" if evidence else ""
        self.note(
            f"{record.position.partition}:{record.position.offset} {event.subject} {name}{about} "
            f"by {event.source}: {outcome.verdict}{reason}"
        )
        self._digest.update(record.value)
        label = f"{name} {outcome.verdict}{reason}"
        self.counts[label] = self.counts.get(label, 0) + 1

    def _check_what_is_said(self, event: Event, run: HostedRun | None) -> None:
        """What is effective of a run's end is true: the run is gone, and ended as is said."""
        body = event.data
        if isinstance(body, TaskCancelled | RunReleased | RunLost | TaskCompleted | TaskFailed):
            alive = run is not None and run.alive
            self.require(not alive, f"{type(body).__name__} of {event.subject}, whose run is alive")
        if isinstance(body, TaskCancelled | RunReleased):
            self._check_evidence(event, body.evidence, run)
        if isinstance(body, TaskCompleted):
            truth = run.truth if run else None
            self.require(
                isinstance(truth, Completed), f"{event.subject} completed, but really: {truth}"
            )
        if isinstance(body, TaskFailed) and body.error_type == "broken":
            truth = run.truth if run else None
            self.require(isinstance(truth, Broke), f"{event.subject} failed, but really: {truth}")
        if isinstance(body, TaskFailed) and body.error_type == "unknown_handler":
            self._check_unknown(event)

    def _check_unknown(self, event: Event) -> None:
        """A kind is unknown only if nobody who lately was there knows it."""
        task = self.roots[event.key].tasks[event.subject]
        assert task.run is not None
        claimed_at = seconds_of(task.run.started_at)
        claimed_at -= self.executors[task.run.executor].skew_seconds
        knowing = [
            name
            for name, executor in self.executors.items()
            if task.spec.kind in executor.kinds
            and executor.known_since < claimed_at - HEARD_WITHIN_SECONDS
            and claimed_at <= executor.lease_until
        ]
        self.require(
            not knowing, f"{event.subject} failed as {task.spec.kind} is unknown; not to {knowing}"
        )

    def _check_evidence(self, event: Event, evidence: Evidence, run: HostedRun | None) -> None:
        if evidence is Evidence.NEVER_STARTED:
            self.require(
                run is None or run.began is None, f"{event.subject} never started, but it did"
            )
        elif evidence is Evidence.ACKNOWLEDGED:
            truth = run.truth if run else None
            acknowledged = isinstance(truth, Stopped) and truth.evidence is evidence
            self.require(acknowledged, f"{event.subject} acknowledged, but really: {truth}")

    def _check_change(self, key: str, before: TaskState | None, task: TaskState) -> None:
        where = (key, task.id)
        was = before.status if before else None
        if task.cancel is not None and was not in TERMINAL and task.status is not Status.SKIPPED:
            self.cancelled.add(where)
        if where in self.cancelled:
            self.require(
                task.status in (Status.CANCELLING, Status.CANCELLED),
                f"{task.id} was cancelled and is now {task.status}",
            )
        if task.status is Status.CANCELLED:
            self.require(task.evidence is not None, f"{task.id} is cancelled without evidence")
            run = self.alive.get(where)
            self.require(run is None, f"{task.id} is cancelled ({task.evidence}) and its run lives")

    # ── what really happens ───────────────────────────────────────────────────────────────────────

    def began(self, run: HostedRun) -> None:
        order = run.order
        where = (f"{order.organization}/{order.task_id.partition('.')[0]}", order.task_id)
        self.note(f"{order.task_id} run {str(run.run_id)[-6:]} begins on {run.executor}")
        other = self.alive.get(where)
        self.require(other is None, f"{order.task_id} runs twice")
        self.require(run.run_id not in self.runs, f"run {run.run_id} is started again")
        self.runs[run.run_id] = run
        self.alive[where] = run
        task = self.roots[where[0]].tasks.get(order.task_id)
        current = task is not None and task.run is not None and task.run.id == run.run_id
        self.require(
            current and task is not None and task.status in ACTIVE,
            f"{order.task_id} began without an effective claim",
        )
        assert task is not None
        self._check_labels(run.executor, task)
        self._check_limits(run)
        self._check_lease(run)

    def died(self, run: HostedRun) -> None:
        order = run.order
        where = (f"{order.organization}/{order.task_id.partition('.')[0]}", order.task_id)
        self.note(f"{order.task_id} run {str(run.run_id)[-6:]} is gone: {run.truth}")
        self.alive.pop(where, None)
        self._check_lease(run)

    def heard(self, record: Record) -> None:
        """A heartbeat is in the log: its lease counts from when it was sent."""
        heartbeat = Heartbeat.model_validate_json(record.value)
        executor = self.executors.get(heartbeat.executor)
        if executor is not None:
            sent_at = seconds_of(heartbeat.sent_at) - executor.skew_seconds
            until = sent_at + heartbeat.lease_seconds
            if self._schedule.now > executor.lease_until:
                executor.known_since = math.inf
            if heartbeat.kinds:
                executor.known_since = min(executor.known_since, self._schedule.now)
            executor.lease_until = max(executor.lease_until, until)

    def _check_labels(self, executor: str, task: TaskState) -> None:
        labels = self.executors[executor].settings.labels
        self.require(
            all(labels.get(name) == value for name, value in task.spec.requires.items()),
            f"{task.id} requires {task.spec.requires}, and {executor} has {labels}",
        )

    def _check_limits(self, run: HostedRun) -> None:
        """What runs on its executor, itself included, is no more than that may run."""
        executor = self.executors[run.executor]
        settings, kind = executor.settings, run.order.kind
        beside = [each.order for each in self.alive.values() if each.executor == run.executor]
        isolated = [o for o in beside if o.isolated or o.kind in executor.isolated_kinds]
        of_kind = [order for order in beside if order.kind == kind]
        of_kind_limit = settings.concurrent_runs_by_kind.get(kind, len(of_kind))
        for what, runs, limit in (
            ("", beside, settings.concurrent_runs),
            ("isolated ", isolated, settings.concurrent_isolated_runs),
            (f"{kind} ", of_kind, of_kind_limit),
        ):
            self.require(
                len(runs) <= limit,
                f"{run.executor} has {len(runs)} {what}runs, and may have {limit}",
            )

    def _check_lease(self, run: HostedRun) -> None:
        until = self.executors[run.executor].lease_until + KILL_SECONDS + 0.01
        self.require(
            self._schedule.now <= until,
            f"{run.order.task_id} lives {self._schedule.now - until:.2f} s longer than "
            f"{run.executor} has a lease",
        )

    def nothing_left(self, executor: str) -> None:
        """It has ended, in good order."""
        left = [run.order.task_id for run in self.alive.values() if run.executor == executor]
        self.require(not left, f"{executor} has ended, and its runs are alive: {left}")

    def look(self) -> None:
        """From time to time."""
        for run in self.alive.values():
            self._check_lease(run)


def seconds_of(moment: datetime) -> float:
    return (moment - START).total_seconds()
