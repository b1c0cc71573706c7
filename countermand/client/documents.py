"""What the API answers, as typed dictionaries."""

from typing import Any, Literal, NamedTuple, NotRequired, TypedDict


class Actor(TypedDict):
    """Who."""

    kind: str
    id: str
    organization: str
    authenticated_by: str
    on_behalf_of: str | None


class Cancel(TypedDict):
    """The cancel in force on a task or project."""

    event_id: str
    subject: str
    who: Actor
    why: str
    mode: str
    grace_seconds: float | None
    origin: str
    requested_at: str
    observed_at: str | None
    unconfirmed_at: str | None
    stopped_at: str | None


class Progress(TypedDict):
    """How far a run says it is."""

    fraction: float | None
    step: str


class Task(TypedDict):
    """A task."""

    id: str
    kind: str
    status: str
    evidence: str | None
    contradicted: bool
    attempt: int
    progress: Progress | None
    payload: dict[str, Any]
    description: str
    labels: dict[str, str]
    requires: dict[str, str]
    project: str | None
    parent: str | None
    depends_on: list[str]
    region: str
    result: Any
    error: str | None
    error_type: str | None
    waiting_for: int | None
    max_attempts: int
    grace_seconds: float
    not_before: str | None
    deadline: str | None
    rerun_of: str | None
    run_id: str | None
    executor: str | None
    created_by: Actor
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    position: str


class Project(TypedDict):
    """A project."""

    id: str
    title: str
    description: str
    labels: dict[str, str]
    region: str
    status: str
    plan: int
    planned_tasks: int
    pauses: int
    arrived: int
    unfinished: int
    active: int
    failed: int
    created_by: Actor
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    position: str


class AtHome(TypedDict):
    """What is known of a request that another region decides."""

    region: str
    event_id: str
    position: str | None
    delivered_at: str | None
    appended_at: str | None
    known_at: str | None
    news_age_seconds: float | None


class RequestAbroad(TypedDict):
    """A request that one region has accepted for another to decide."""

    event_id: str
    subject: str
    type: str
    position: str
    accepted_at: str
    verdict: str
    reason: str | None
    late_seconds: float | None
    home: AtHome


class KnownRegion(TypedDict):
    """Another region, and how old its news are."""

    region: str
    known_at: str | None
    heard_at: str | None
    age_seconds: float | None


class Regions(TypedDict):
    """This region, and the others."""

    here: str
    others: list[KnownRegion]


class Receipt(TypedDict):
    """What was asked, what the log decided, what has come of it."""

    event_id: str
    subject: str
    position: str
    verdict: Literal["effective", "noted", "void", "undecided"]
    reason: str | None
    late_seconds: float | None
    who: Actor
    why: str
    mode: str
    grace_seconds: float | None
    origin: str
    requested_at: str
    observed_at: str | None
    stopped_at: str | None
    status: str | None
    evidence: str | None
    contradicted: bool
    held_until: str | None
    home: AtHome | None
    """Decided by another region; None: by this one."""


class HistoryLine(TypedDict):
    """A line of the history."""

    position: str
    appended_at: str
    about: str
    verdict: str
    reason: str | None
    late_seconds: float | None
    status: str | None
    event: dict[str, Any]


class Submitted(TypedDict):
    """One task of a batch."""

    id: str
    position: str
    verdict: str
    reason: str | None


class Endpoint(TypedDict):
    """Who hears what by webhook."""

    id: str
    url: str
    types: list[str] | None
    description: str
    created_at: str
    created_by: str
    rotated_at: str | None


class MadeEndpoint(Endpoint):
    """With its new secret, which no other answer shows."""

    secret: str


class DeadDelivery(TypedDict):
    """A delivery that was given up."""

    event_id: str
    type: str
    position: str
    root: str
    attempts: int
    died_at: str
    last_status: int | None
    last_error: str


class PhaseTimes(TypedDict):
    """In seconds; None when nothing was timed."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class PulseWindow(TypedDict):
    """What ended in a stretch of time up to now."""

    phases: dict[str, PhaseTimes]
    evidence: dict[str, int]
    overran: int


class PulseGroup(TypedDict):
    """One handler in one region."""

    organization: str
    kind: str
    region: str
    stopping: int
    overdue: int
    windows: dict[str, PulseWindow]


class OverdueStop(TypedDict):
    """A stop that isn't proved, though its grace is over."""

    task_id: str
    kind: str
    region: str
    executor: str
    cancel_id: str
    requested_at: str
    observed_at: str | None
    due_at: str
    unconfirmed_at: str | None


class ExecutorCounts(TypedDict):
    """Of all organizations: they share executors."""

    alive: int
    draining: int
    lost: int
    running: int


class DeadlineCounts(TypedDict):
    """Deadlines past and not acted on yet, and those to come, by window."""

    due: int
    within: dict[str, int]


class Pulse(TypedDict):
    """What is being stopped right now, and how long each phase takes."""

    stopping: int
    unobserved: int
    overdue: int
    overdue_stops: list[OverdueStop]
    windows: dict[str, PulseWindow]
    groups: list[PulseGroup]
    executors: ExecutorCounts
    deadlines: DeadlineCounts


class BulkPreview(TypedDict):
    """What a cancel of many tasks would stop."""

    token: str
    expires_at: str
    frontier: str
    where: dict[str, Any]
    tasks: int
    runs: int
    sample: list[dict[str, Any]]


class BulkCancel(TypedDict):
    """A cancel of many tasks, and how far it has come."""

    id: str
    state: Literal["running", "stopping", "stopped", "done"]
    where: dict[str, Any]
    frontier: str
    who: Actor
    why: str
    mode: str
    grace_seconds: float | None
    per_second: float
    tasks: int
    runs: int
    requested: int
    effective: int
    void: int
    undecided: int
    reasons: dict[str, int]
    begun_at: str
    stop_asked_at: str | None
    stop_asked_by: str | None
    ended_at: str | None


class BulkItem(TypedDict):
    """What came of one of its tasks."""

    task_id: str
    event_id: str
    verdict: Literal["effective", "noted", "void", "undecided", "not_requested"]
    reason: str | None
    late_seconds: float | None
    evidence: str | None
    stopped_at: str | None
    position: str | None


class ExecutorRun(TypedDict):
    """What an executor runs of yours."""

    task_id: str
    kind: str
    status: str
    run_id: str | None
    started_at: str | None


class Executor(TypedDict):
    """An executor, as it was heard of last."""

    id: str
    state: Literal["alive", "draining", "lost"]
    region: str
    labels: dict[str, str]
    kinds: list[str]
    running: int
    concurrent_runs: int
    heard_at: str
    lease_until: str
    runs: NotRequired[list[ExecutorRun]]


class Frame(NamedTuple):
    """One thing a stream says; give `id` back as `after` to go on behind it."""

    event: str
    id: str
    data: dict[str, Any]


class ExportedRow(NamedTuple):
    """A whole row of an export: a line of JSON, or a row of CSV."""

    data: bytes
    position: str | None
    """Of its event; None: the names of the columns, or the closing line of JSON Lines."""
    end: str
    """The frontier at which the export ends."""
