"""Histories in sentences: `a_task().started().cancel_requested()`.

A history is a value: every word gives a new one, so a test may tell two ends of one story. Ids and
times are deterministic; each event is a second later than the one before it. A word is about the
task that was named last, and about its latest run, unless it says otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from events import fold, outcome
from events.body import Actor, Json
from events.cancel_events import (
    CancelDenied,
    CancelObserved,
    CancelOverran,
    CancelRequested,
    CancelUnconfirmed,
    Survivor,
    TaskCancelled,
)
from events.event import Event, new_event
from events.executor_events import ExecutorSteered
from events.ids import derived_id, event_id, root_of
from events.outcome import Outcome
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.region_events import RequestAddressed, RootHandedOver, RootTakenOver
from events.run_events import (
    RunAdopted,
    RunAttached,
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.state import ProjectState, Root, TaskState
from events.task_events import TaskOutput, TaskProgressed, TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import AnyBody
from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status, Verdict

ORGANIZATION = "acme"
START = datetime(2026, 1, 1, tzinfo=UTC)

USER = Actor(kind="user", id="ada", organization=ORGANIZATION, authenticated_by="api_key")
GATEWAY = Actor(kind="service", id="gateway", organization=ORGANIZATION)
WATCHDOG = Actor(kind="watchdog", id="watchdog", organization=ORGANIZATION)


def executor(name: str) -> Actor:
    return Actor(kind="executor", id=name, organization=ORGANIZATION)


def run_of(task_id: str, attempt: int = 1, by: str = "executor-1") -> UUID:
    """The id that these histories give to the run of a claim."""
    return derived_id("run", task_id, attempt, by)


class Fold(NamedTuple):
    """What histories are folded with. Mutation tests put a broken one in its place."""

    evolve: Callable[[Root, Event], Outcome] = fold.evolve
    apply: Callable[[Root, Outcome], None] = outcome.apply
    new_root: Callable[[], Root] = Root


the_fold = Fold()


class Folded(NamedTuple):
    root: Root
    outcomes: tuple[Outcome, ...]
    statuses: tuple[Status | None, ...]
    """Of each event's subject, after it."""


def folded(events: tuple[Event, ...], using: Fold | None = None) -> Folded:
    how = using or the_fold
    root, outcomes, statuses = how.new_root(), [], []
    for event in events:
        said = how.evolve(root, event)
        how.apply(root, said)
        outcomes.append(said)
        task = root.tasks.get(event.subject)
        statuses.append(task.status if task else None)
    return Folded(root, tuple(outcomes), tuple(statuses))


@dataclass(frozen=True)
class History:
    subject: str
    events: tuple[Event, ...] = ()
    now: datetime = START

    # What it comes to.

    @cached_property
    def folded(self) -> Folded:
        return folded(self.events)

    @property
    def root(self) -> Root:
        return self.folded.root

    @property
    def task(self) -> TaskState:
        return self.root.tasks[self.subject]

    @property
    def status(self) -> Status:
        return self.task.status

    @property
    def project(self) -> ProjectState:
        assert self.root.project is not None, "no project was created"
        return self.root.project

    @property
    def project_status(self) -> ProjectStatus:
        return self.project.status

    @property
    def last(self) -> Outcome:
        return self.folded.outcomes[-1]

    @property
    def verdict(self) -> Verdict:
        return self.last.verdict

    @property
    def reason(self) -> Reason | None:
        return self.last.reason

    @property
    def said(self) -> tuple[Verdict, Reason | None]:
        """Verdict and reason of the last event."""
        return self.last.verdict, self.last.reason

    @property
    def run_id(self) -> UUID:
        """Of the task's latest claim, whatever became of it."""
        for event in reversed(self.events):
            if event.subject == self.subject and isinstance(event.data, TaskStarted):
                return event.data.run_id
        return run_of(self.subject)

    def status_of(self, task: str) -> Status:
        return self.root.tasks[self._full(task)].status

    # How it goes on.

    def then(
        self, body: AnyBody, *, subject: str | None = None, id: UUID | None = None
    ) -> "History":
        """The history with one event more."""
        now = self.now + timedelta(seconds=1)
        event = new_event(
            body,
            id=id or event_id(now, len(self.events)),
            subject=subject or self.subject,
            organization=ORGANIZATION,
            time=now,
            source=f"/{body.actor.kind}/{body.actor.id}",
        )
        return replace(self, events=(*self.events, event), now=now)

    def later(self, seconds: float) -> "History":
        """The clock moves on (or back)."""
        return replace(self, now=self.now + timedelta(seconds=seconds))

    def of(self, task: str) -> "History":
        """From here on about this task: a full id, or a name directly below the root."""
        return replace(self, subject=self._full(task))

    def repeated(self, number: int = -1) -> "History":
        """One of the events comes again, byte by byte."""
        return replace(self, events=(*self.events, self.events[number]))

    def _full(self, task: str) -> str:
        root = root_of(self.subject)
        return task if root_of(task) == root else f"{root}.{task}"

    @property
    def _attempt(self) -> int:
        task = self.root.tasks.get(self.subject)
        return task.attempt if task else 1

    @property
    def _executor(self) -> str:
        task = self.root.tasks.get(self.subject)
        return task.run.executor if task and task.run else "executor-1"

    # Submitting.

    def submitted(self, *, id: UUID | None = None, **spec: Any) -> "History":
        body = TaskSubmitted(actor=USER, **({"kind": "count"} | spec))
        return self.then(body, id=id)

    def with_task(self, name: str, **spec: Any) -> "History":
        """A task of the project."""
        root = root_of(self.subject)
        depends_on = tuple(self._full(each) for each in spec.pop("depends_on", ()))
        return self.of(name).submitted(**{"project": root, "depends_on": depends_on} | spec)

    def with_child(self, name: str, **spec: Any) -> "History":
        """A child of the task that was named last; from here on about the child."""
        return self.of(f"{self.subject}.{name}").submitted(**{"parent": self.subject} | spec)

    def skipped(self, attempt: int | None = None) -> "History":
        return self.then(TaskSkipped(actor=USER, attempt=attempt or self._attempt))

    def retried(self, attempt: int | None = None) -> "History":
        return self.then(TaskRetried(actor=USER, attempt=attempt or self._attempt))

    # Running.

    def started(
        self,
        by: str = "executor-1",
        *,
        attempt: int | None = None,
        region: str = "local",
        remote: bool = False,
        run_id: UUID | None = None,
    ) -> "History":
        attempt = attempt or self._attempt
        return self.then(
            TaskStarted(
                actor=executor(by),
                run_id=run_id or run_of(self.subject, attempt, by),
                attempt=attempt,
                executor=by,
                region=region,
                remote=remote,
            )
        )

    def attached(self, handle: str = "job-1", *, run_id: UUID | None = None) -> "History":
        body = RunAttached(
            actor=executor(self._executor), run_id=run_id or self.run_id, handle={"id": handle}
        )
        return self.then(body)

    def adopted(
        self,
        by: str = "executor-2",
        *,
        adoption: int | None = None,
        from_executor: str | None = None,
        run_id: UUID | None = None,
    ) -> "History":
        task = self.root.tasks.get(self.subject)
        adoptions = task.run.adoptions if task and task.run else 0
        return self.then(
            RunAdopted(
                actor=executor(by),
                run_id=run_id or self.run_id,
                adoption=adoption or adoptions + 1,
                executor=by,
                from_executor=from_executor or self._executor,
            )
        )

    def waiting(self, wait: int = 1, *, run_id: UUID | None = None) -> "History":
        body = TaskWaiting(
            actor=executor(self._executor), run_id=run_id or self.run_id, wait=wait, question="Go?"
        )
        return self.then(body)

    def resumed(self, wait: int = 1, answer: Json = "yes") -> "History":
        return self.then(TaskResumed(actor=USER, wait=wait, answer=answer))

    def completed(self, result: Json = "done", *, run_id: UUID | None = None) -> "History":
        actor = executor(self._executor)
        return self.then(TaskCompleted(actor=actor, run_id=run_id or self.run_id, result=result))

    def failed(
        self, error: str = "broken", *, permanent: bool = False, run_id: UUID | None = None
    ) -> "History":
        return self.then(
            TaskFailed(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                error=error,
                permanent=permanent,
            )
        )

    def released(
        self, evidence: Evidence = Evidence.KILLED, *, run_id: UUID | None = None
    ) -> "History":
        actor = executor(self._executor)
        return self.then(RunReleased(actor=actor, run_id=run_id or self.run_id, evidence=evidence))

    def lost(self, executor: str | None = None, *, run_id: UUID | None = None) -> "History":
        body = RunLost(
            actor=WATCHDOG, run_id=run_id or self.run_id, executor=executor or self._executor
        )
        return self.then(body)

    def progressed(self) -> "History":
        body = TaskProgressed(actor=executor(self._executor), run_id=self.run_id, number=1)
        return self.then(body)

    def gave_output(self) -> "History":
        actor = executor(self._executor)
        return self.then(TaskOutput(actor=actor, run_id=self.run_id, number=1, content="1\n"))

    # Cancelling.

    def cancel_requested(
        self,
        mode: Mode = Mode.GRACEFUL,
        grace_seconds: float | None = None,
        *,
        origin: Origin = Origin.REQUEST,
        hold_seconds: float | None = None,
        expires_in_seconds: float | None = None,
        id: UUID | None = None,
    ) -> "History":
        """Held and expiring from the moment of this event on."""
        now = self.now + timedelta(seconds=1)
        return self.then(
            CancelRequested(
                actor=USER,
                reason="no longer needed",
                mode=mode,
                grace_seconds=grace_seconds,
                origin=origin,
                hold_until=None if hold_seconds is None else now + timedelta(seconds=hold_seconds),
                expires_at=None
                if expires_in_seconds is None
                else now + timedelta(seconds=expires_in_seconds),
            ),
            id=id,
        )

    @property
    def cancel_id(self) -> UUID:
        """Of the latest cancel, of whatever it was."""
        for event in reversed(self.events):
            if isinstance(event.data, CancelRequested | ProjectCancelRequested):
                return event.id
        return derived_id("no cancel")

    def cancel_observed(self, *, run_id: UUID | None = None) -> "History":
        actor = executor(self._executor)
        return self.then(
            CancelObserved(actor=actor, run_id=run_id or self.run_id, cancel_id=self.cancel_id)
        )

    def cancel_unconfirmed(self, *, run_id: UUID | None = None) -> "History":
        return self.then(
            CancelUnconfirmed(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                cancel_id=self.cancel_id,
                survivors=(Survivor(executor=self._executor, what="sleep", pid=4711),),
            )
        )

    def overran(self, budget_seconds: float = 1.0, *, run_id: UUID | None = None) -> "History":
        body = CancelOverran(
            actor=Actor(kind="pulse", id="pulse", organization=ORGANIZATION),
            run_id=run_id or self.run_id,
            cancel_id=self.cancel_id,
            stop_within_seconds=budget_seconds,
        )
        return self.then(body)

    def cancelled(
        self, evidence: Evidence = Evidence.ACKNOWLEDGED, *, run_id: UUID | None = None
    ) -> "History":
        return self.then(
            TaskCancelled(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                cancel_id=self.cancel_id,
                evidence=evidence,
            )
        )

    def closed(self) -> "History":
        """An executor notes that nothing ever ran."""
        return self.then(
            TaskCancelled(
                actor=executor("executor-1"),
                cancel_id=self.cancel_id,
                evidence=Evidence.NEVER_STARTED,
            )
        )

    def cancel_denied(self, named: str = "somebody-elses") -> "History":
        body = CancelDenied(actor=USER, named=named, denied_for="not_permitted")
        return self.then(body)

    def steered(self, claiming: bool = False) -> "History":
        """An operator says something to an executor."""
        return self.then(ExecutorSteered(actor=USER, claiming=claiming))

    def addressed(self, body: AnyBody, home: str = "mars") -> "History":
        """A request that another region shall decide."""
        fields = body.model_dump(mode="json", exclude={"actor", "reason"}, exclude_none=True)
        sent = RequestAddressed(actor=USER, home=home, request=body.TYPE, fields=fields)
        return self.then(sent)

    def handed_over(
        self, to: str = "mars", *, move: int | None = None, task: TaskSubmitted | None = None
    ) -> "History":
        """To another region, with what there is, unless it says otherwise."""
        known = self.root.tasks.get(self.subject)
        body = RootHandedOver(
            actor=USER,
            to=to,
            move=move or self.root.moves + 1,
            task=task or (known.spec if known else None),
        )
        return self.then(body)

    def taken_over(self, former_home: str = "mars", *, move: int = 1, **spec: Any) -> "History":
        """From another region, which has handed it over."""
        task = TaskSubmitted(actor=USER, kind="k", **spec)
        bridge = Actor(kind="bridge", id=former_home, organization=ORGANIZATION)
        return self.then(RootTakenOver(actor=bridge, former_home=former_home, move=move, task=task))

    # Projects.

    def _project(self, body: AnyBody) -> "History":
        return self.then(body, subject=root_of(self.subject))

    def created(self, **spec: Any) -> "History":
        return self._project(ProjectCreated(actor=USER, **spec))

    def planned(self, tasks: int | None = None, *, plan: int | None = None) -> "History":
        project = self.root.project
        return self._project(
            ProjectPlanned(
                actor=USER,
                plan=plan or (project.plan if project else 0) + 1,
                tasks=(project.arrived if project else 0) if tasks is None else tasks,
            )
        )

    def approved(self, plan: int | None = None) -> "History":
        project = self.root.project
        plan = plan or (project.plan if project else 0) or 1
        return self._project(ProjectApproved(actor=USER, plan=plan))

    def paused(self, pause: int | None = None) -> "History":
        project = self.root.project
        pause = pause or (project.pauses if project else 0) + 1
        return self._project(ProjectPaused(actor=USER, pause=pause))

    def unpaused(self, pause: int | None = None) -> "History":
        project = self.root.project
        pause = pause or (project.pauses if project else 0) or 1
        return self._project(ProjectResumed(actor=USER, pause=pause))

    def project_cancel_requested(
        self, mode: Mode = Mode.GRACEFUL, grace_seconds: float | None = None
    ) -> "History":
        return self._project(
            ProjectCancelRequested(
                actor=USER, reason="no longer needed", mode=mode, grace_seconds=grace_seconds
            )
        )


def nothing_yet(subject: str = "task") -> History:
    """An empty history: what comes next is about a task that isn't there."""
    return History(subject)


def a_task(subject: str = "task", **spec: Any) -> History:
    """A task alone, submitted."""
    return nothing_yet(subject).submitted(**spec)


def a_project(*tasks: str, subject: str = "project") -> History:
    """A project, created, with these tasks submitted below it."""
    history = History(subject).created()
    for name in tasks:
        history = history.with_task(name)
    return history


def an_executing_project(*tasks: str, subject: str = "project") -> History:
    """A project with these tasks, planned with their number and approved."""
    return a_project(*tasks, subject=subject).planned().approved()
