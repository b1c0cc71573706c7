"""Everything that may be said of a few tasks: the events that the state graphs are explored with.

Each is one fixed event, so that trying it again is a late duplicate. Two moments are enough, EARLY
and LATE: what is held or put off is so until a time between them. Clocks go backwards as they like.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from events.body import Actor, JsonObject
from events.cancel_events import (
    CancelDenied,
    CancelObserved,
    CancelOverran,
    CancelRequested,
    CancelUnconfirmed,
    TaskCancelled,
)
from events.event import Event, new_event
from events.executor_events import ExecutorSteered
from events.ids import derived_id
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
from events.task_events import TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import HistoryBody
from events.words import Evidence, Mode, Origin
from tests.builders.actors import ORGANIZATION, START, USER

EARLY = START
BETWEEN = START + timedelta(seconds=50)
LATE = START + timedelta(seconds=100)
BACKOFF_SECONDS = 10.0


@dataclass(frozen=True)
class Claimant:
    """An executor, and whether what it starts runs elsewhere."""

    executor: str
    remote: bool = False

    @property
    def name(self) -> str:
        return f"{self.executor} remotely" if self.remote else self.executor


X, Y = Claimant("x"), Claimant("y")
X_REMOTELY, Y_REMOTELY = Claimant("x", remote=True), Claimant("y", remote=True)


@dataclass
class Alphabet:
    """Events with names."""

    events: list[Event] = field(default_factory=list)
    names: dict[UUID, str] = field(default_factory=dict)

    def add(self, name: str, body: HistoryBody, subject: str, time: datetime = EARLY) -> "Alphabet":
        name = f"{subject}: {name}"
        event = new_event(
            body,
            id=derived_id("alphabet", name),
            subject=subject,
            organization=ORGANIZATION,
            time=time,
            source="/test",
        )
        assert event.id not in self.names, f"{name} is there twice"
        self.events.append(event)
        self.names[event.id] = name
        return self

    def submissions(
        self, subject: str, *, put_off: bool = False, late: bool = False, **spec: Any
    ) -> "Alphabet":
        """The task, and other ones of the same id."""
        spec = {"max_attempts": 2, **spec}
        body = TaskSubmitted(actor=USER, kind="k", backoff_seconds=BACKOFF_SECONDS, **spec)
        self.add("submitted", body, subject)
        if put_off:
            not_yet = body.model_copy(update={"not_before": BETWEEN})
            self.add("submitted to run later", not_yet, subject)
        if late:
            self.add("submitted late", body, subject, LATE)
        return self

    def claims(
        self, subject: str, claimants: Iterable[Claimant], attempts: int, *, elsewhere: bool = False
    ) -> "Alphabet":
        """Each claimant's claim of each attempt, early and late."""
        for attempt in range(1, attempts + 1):
            for claimant in claimants:
                run_id = derived_id("run", subject, attempt, claimant.name)
                claim = TaskStarted(
                    actor=_executor(claimant.executor),
                    run_id=run_id,
                    attempt=attempt,
                    executor=claimant.executor,
                    remote=claimant.remote,
                )
                name = f"{claimant.name} started {attempt}"
                self.add(name, claim, subject)
                self.add(f"{name} late", claim, subject, LATE)
                if elsewhere:
                    far = claim.model_copy(update={"region": "mars", "run_id": derived_id(name)})
                    self.add(f"{name} elsewhere", far, subject, LATE)
        return self

    def facts(
        self,
        subject: str,
        claimants: Iterable[Claimant],
        attempts: int,
        *,
        waits: int = 0,
        kinds: Sequence[type[HistoryBody]] | None = None,
    ) -> "Alphabet":
        """What may be said of each of these runs."""
        for attempt in range(1, attempts + 1):
            for claimant in claimants:
                run_id = derived_id("run", subject, attempt, claimant.name)
                for name, body in _said_of(claimant, run_id, waits):
                    if kinds is None or isinstance(body, tuple(kinds)):
                        self.add(f"{claimant.name}'s {attempt} {name}", body, subject)
        for wait in range(1, waits + 1):
            self.add(f"resumed {wait}", TaskResumed(actor=USER, wait=wait), subject)
        return self

    def cancels(self, subject: str, *kinds: str) -> "Alphabet":
        """Cancels of these kinds; all of them when none is named."""
        for kind, body in CANCELS.items():
            if not kinds or kind in kinds:
                self.add(f"cancel {kind}", body, subject)
        return self

    def revivals(self, subject: str, attempts: int) -> "Alphabet":
        for attempt in range(1, attempts + 1):
            self.add(f"skipped {attempt}", TaskSkipped(actor=USER, attempt=attempt), subject)
            self.add(f"retried {attempt}", TaskRetried(actor=USER, attempt=attempt), subject)
        return self

    def closing(self, subject: str) -> "Alphabet":
        body = TaskCancelled(
            actor=_executor("x"), cancel_id=derived_id("any"), evidence=Evidence.NEVER_STARTED
        )
        self.add("closed", body, subject)
        self.add("steered", ExecutorSteered(actor=USER, claiming=False), subject)
        return self.add(
            "denied", CancelDenied(actor=USER, named="other", denied_for="not_permitted"), subject
        )

    def elsewhere(self, subject: str) -> "Alphabet":
        """Requests about it that another region shall decide."""
        for body in (TaskSubmitted(actor=USER, kind="k"), CancelRequested(actor=USER)):
            fields = body.model_dump(mode="json", exclude={"actor", "reason"}, exclude_none=True)
            sent = RequestAddressed(actor=USER, home="mars", request=body.TYPE, fields=fields)
            self.add(f"{type(body).__name__} sent to mars", sent, subject)
        return self

    def moves(self, subject: str) -> "Alphabet":
        """It is asked of another region, comes, goes, and comes back."""
        task = TaskSubmitted(actor=USER, kind="k", max_attempts=2, backoff_seconds=BACKOFF_SECONDS)
        for move in (1, 2, 3):
            away = RootHandedOver(actor=USER, to="mars", move=move, task=task)
            back = RootTakenOver(actor=USER, former_home="mars", move=move, task=task)
            self.add(f"handed over {move}", away, subject)
            self.add(f"taken over {move}", back, subject)
        fields: JsonObject = {"to": "here"}
        for home in ("mars", "venus"):
            asked = RequestAddressed(
                actor=USER, home=home, request=RootHandedOver.TYPE, fields=fields
            )
            self.add(f"asked of {home}", asked, subject)
        return self

    def project(self, subject: str, *, plans: Sequence[int], pauses: int) -> "Alphabet":
        self.add("created", ProjectCreated(actor=USER), subject)
        self.add("created again", ProjectCreated(actor=USER, title="another"), subject)
        for plan, tasks in enumerate(plans, 1):
            self.add(f"planned {plan}", ProjectPlanned(actor=USER, plan=plan, tasks=tasks), subject)
            self.add(f"approved {plan}", ProjectApproved(actor=USER, plan=plan), subject)
        for pause in range(1, pauses + 1):
            self.add(f"paused {pause}", ProjectPaused(actor=USER, pause=pause), subject)
            self.add(f"unpaused {pause}", ProjectResumed(actor=USER, pause=pause), subject)
        for name, mode, grace in (
            ("gracefully", Mode.GRACEFUL, None),
            ("within 5 s", Mode.GRACEFUL, 5.0),
            ("by force", Mode.FORCE, None),
        ):
            body = ProjectCancelRequested(actor=USER, mode=mode, grace_seconds=grace)
            self.add(f"project cancel {name}", body, subject)
        return self


CANCELS: dict[str, CancelRequested] = {
    "gracefully": CancelRequested(actor=USER),
    "within 5 s": CancelRequested(actor=USER, grace_seconds=5.0),
    "within 60 s": CancelRequested(actor=USER, grace_seconds=60.0),
    "by force": CancelRequested(actor=USER, mode=Mode.FORCE),
    "by deadline": CancelRequested(actor=USER, origin=Origin.DEADLINE),
    "held": CancelRequested(actor=USER, hold_until=BETWEEN),
    "held longer": CancelRequested(actor=USER, hold_until=BETWEEN + timedelta(seconds=1)),
    "expired": CancelRequested(actor=USER, expires_at=EARLY - timedelta(seconds=1)),
}


def _said_of(claimant: Claimant, run_id: UUID, waits: int) -> Iterable[tuple[str, HistoryBody]]:
    mine = claimant.executor
    other = "y" if mine == "x" else "x"
    me, cancel_id = _executor(mine), derived_id("any")
    yield "completed", TaskCompleted(actor=me, run_id=run_id)
    yield "failed", TaskFailed(actor=me, run_id=run_id, error="e")
    yield "failed for good", TaskFailed(actor=me, run_id=run_id, error="e", permanent=True)
    yield "released", RunReleased(actor=me, run_id=run_id, evidence=Evidence.EXITED)
    watchdog = Actor(kind="watchdog", id="w", organization=ORGANIZATION)
    yield "lost", RunLost(actor=watchdog, run_id=run_id, executor=mine)
    yield "lost by the other", RunLost(actor=watchdog, run_id=run_id, executor=other)
    yield "observed", CancelObserved(actor=me, run_id=run_id, cancel_id=cancel_id)
    yield "unconfirmed", CancelUnconfirmed(actor=me, run_id=run_id, cancel_id=cancel_id)
    pulse = Actor(kind="pulse", id="p", organization=ORGANIZATION)
    yield (
        "overran",
        CancelOverran(actor=pulse, run_id=run_id, cancel_id=cancel_id, stop_within_seconds=0.0),
    )
    for evidence in (Evidence.ACKNOWLEDGED, Evidence.KILLED):
        yield (
            f"cancelled, {evidence}",
            TaskCancelled(actor=me, run_id=run_id, cancel_id=cancel_id, evidence=evidence),
        )
    for wait in range(1, waits + 1):
        yield f"waiting {wait}", TaskWaiting(actor=me, run_id=run_id, wait=wait)
    for handle in ("job-1", "job-2"):
        yield f"attached to {handle}", RunAttached(actor=me, run_id=run_id, handle={"id": handle})
    for adoption, (by, before) in enumerate([(other, mine), (mine, other)], 1):
        body = RunAdopted(
            actor=_executor(by), run_id=run_id, adoption=adoption, executor=by, from_executor=before
        )
        yield f"adopted {adoption} by {by}", body


def _executor(name: str) -> Actor:
    return Actor(kind="executor", id=name, organization=ORGANIZATION)


ENDINGS: tuple[type[HistoryBody], ...] = (
    TaskCompleted,
    TaskFailed,
    RunReleased,
    RunLost,
    TaskCancelled,
)
"""The facts that end a run."""


def of_a_task(*, full: bool) -> Alphabet:
    """Everything, said of one task."""
    attempts, waits = (2, 2) if full else (1, 1)
    claimants = (X, Y_REMOTELY)
    return (
        Alphabet()
        .submissions("t", put_off=True, late=True)
        .claims("t", claimants, attempts, elsewhere=True)
        .facts("t", claimants, attempts, waits=waits)
        .cancels("t")
        .revivals("t", attempts)
        .closing("t")
        .elsewhere("t")
    )


def of_a_root_that_moves(*, full: bool) -> Alphabet:
    """A task that other regions ask for and send, with a child, runs and cancels."""
    attempts = 2 if full else 1
    return (
        Alphabet()
        .submissions("t")
        .moves("t")
        .elsewhere("t")
        .claims("t", (X,), attempts)
        .facts("t", (X,), attempts, kinds=ENDINGS)
        .cancels("t", "gracefully", "within 5 s", "by force", "held")
        .revivals("t", attempts)
        .submissions("t.c", parent="t")
        .cancels("t.c", "held")
    )


def of_a_family(*, full: bool) -> Alphabet:
    """A parent with a child: cancels of both, and whatever ends their runs."""
    attempts = 2 if full else 1
    return (
        Alphabet()
        .submissions("t")
        .claims("t", (X,), attempts)
        .facts("t", (X,), attempts, kinds=ENDINGS)
        .cancels("t", "gracefully", "within 5 s", "by force")
        .revivals("t", attempts)
        .submissions("t.c", late=True, parent="t")
        .claims("t.c", (Y,), attempts)
        .facts("t.c", (Y,), attempts, kinds=ENDINGS)
        .cancels("t.c", "gracefully", "held")
        .revivals("t.c", attempts)
    )


def of_a_project(*, full: bool) -> Alphabet:
    """Two tasks of a project, the second depending on the first."""
    attempts = 2 if full else 1
    alphabet = Alphabet().project("p", plans=(1, 2), pauses=1)
    alphabet.submissions("p.a", project="p")
    alphabet.submissions("p.b", project="p", depends_on=("p.a",))
    for task in ("p.a", "p.b"):
        alphabet.claims(task, (X,), attempts)
        alphabet.facts(task, (X,), attempts, kinds=ENDINGS)
        alphabet.revivals(task, attempts)
        alphabet.cancels(task, "gracefully")
    return alphabet


def of_a_family_in_a_project(*, full: bool) -> Alphabet:
    """A project of one task, which has a child; a stray task; a task of the project's id."""
    attempts = 2 if full else 1
    alphabet = Alphabet().project("p", plans=(1,), pauses=0)
    alphabet.submissions("p.a", project="p").submissions("p.a.c", parent="p.a")
    alphabet.submissions("p.stray", parent="p").submissions("p")
    for task in ("p.a", "p.a.c"):
        alphabet.claims(task, (X,), attempts)
        alphabet.facts(task, (X,), attempts, kinds=ENDINGS)
        alphabet.revivals(task, attempts)
    alphabet.cancels("p", "gracefully")
    return alphabet.cancels("p.a", "gracefully").cancels("p.a.c", "by force")
