"""One event of every version, with every field filled: what golden files are first written from."""

from datetime import timedelta
from uuid import UUID

from events.body import Actor
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
    OutputSummary,
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
from events.task_events import TaskOutput, TaskProgressed, TaskRetried, TaskSkipped, TaskSubmitted
from events.vocabulary import AnyBody
from events.words import Evidence, Mode, Origin
from tests.builders.actors import START

WHO = Actor(
    kind="service",
    id="reports",
    organization="acme",
    authenticated_by="jwt",
    on_behalf_of="ada",
)
WHY = "Äußerst wichtig: 10 % fehlen \U0001f600"
RUN = UUID("0190a5b4-7e10-7abc-8def-0123456789ab")
CANCEL = UUID("0190a5b4-7e11-7abc-8def-0123456789ab")
OUTPUT = OutputSummary(records=12, bytes=3456, missing_records=1)

SUBMITTED = TaskSubmitted(
    actor=WHO,
    reason=WHY,
    kind="report",
    payload={"year": 2025, "parts": [1, 2.5, None, {"deep": True}], "none": None},
    description="The yearly report",
    labels={"team": "blue"},
    requires={"gpu": "yes"},
    parent="plan.collect",
    depends_on=("plan.first", "plan.second"),
    region="eu-west-1",
    not_before=START + timedelta(minutes=5),
    deadline=START + timedelta(hours=2, microseconds=7),
    grace_seconds=2.5,
    stop_within_seconds=30.0,
    max_attempts=3,
    backoff_seconds=0.5,
    backoff_limit_seconds=60.0,
    isolation="isolated",
    rerun_of="older-plan.collect",
    secrets_ciphertext="gAAAAABk",
    secrets_key_id="key-7",
)

FULL: tuple[AnyBody, ...] = (
    SUBMITTED,
    TaskStarted(
        actor=WHO,
        reason=WHY,
        run_id=RUN,
        attempt=2,
        executor="executor-7f",
        region="eu-west-1",
        remote=True,
    ),
    RunAttached(actor=WHO, reason=WHY, run_id=RUN, handle={"job": "42", "url": "/jobs/42"}),
    RunAdopted(
        actor=WHO,
        reason=WHY,
        run_id=RUN,
        adoption=2,
        executor="executor-8a",
        from_executor="executor-7f",
    ),
    TaskWaiting(actor=WHO, reason=WHY, run_id=RUN, wait=3, question="Delete 17 rows?"),
    TaskResumed(actor=WHO, reason=WHY, wait=3, answer={"approved": True, "limit": None}),
    CancelRequested(
        actor=WHO,
        reason=WHY,
        mode=Mode.FORCE,
        grace_seconds=0.5,
        origin=Origin.BULK,
        hold_until=START + timedelta(hours=1),
        expires_at=START + timedelta(minutes=1),
        accepted_at=START - timedelta(seconds=2),
        delivered_at=START,
    ),
    CancelObserved(actor=WHO, reason=WHY, run_id=RUN, cancel_id=CANCEL),
    CancelUnconfirmed(
        actor=WHO,
        reason=WHY,
        run_id=RUN,
        cancel_id=CANCEL,
        survivors=(
            Survivor(executor="executor-7f", what="sleep 1000", pid=4711, started_at=START),
            Survivor(executor="executor-7f", what="remote job 42"),
        ),
    ),
    CancelOverran(actor=WHO, reason=WHY, run_id=RUN, cancel_id=CANCEL, stop_within_seconds=2.5),
    TaskCancelled(
        actor=WHO,
        reason=WHY,
        run_id=RUN,
        cancel_id=CANCEL,
        evidence=Evidence.KILLED,
        output=OUTPUT,
    ),
    TaskCompleted(actor=WHO, reason=WHY, run_id=RUN, result=["a", 1, None], output=OUTPUT),
    TaskFailed(
        actor=WHO,
        reason=WHY,
        run_id=RUN,
        error="Traceback:\n  no disk",
        error_type="OSError",
        permanent=True,
        output=OUTPUT,
    ),
    RunReleased(actor=WHO, reason=WHY, run_id=RUN, evidence=Evidence.EXITED, output=OUTPUT),
    RunLost(actor=WHO, reason=WHY, run_id=RUN, executor="executor-7f"),
    TaskSkipped(actor=WHO, reason=WHY, attempt=2),
    TaskRetried(actor=WHO, reason=WHY, attempt=2),
    ProjectCreated(
        actor=WHO,
        reason=WHY,
        title="Move",
        description="To the new site",
        labels={"team": "blue"},
        region="eu-west-1",
    ),
    ProjectPlanned(actor=WHO, reason=WHY, plan=2, tasks=17),
    ProjectApproved(actor=WHO, reason=WHY, plan=2),
    ProjectPaused(actor=WHO, reason=WHY, pause=3),
    ProjectResumed(actor=WHO, reason=WHY, pause=3),
    ProjectCancelRequested(actor=WHO, reason=WHY, mode=Mode.FORCE, grace_seconds=1.5),
    ExecutorSteered(actor=WHO, reason=WHY, claiming=False),
    RequestAddressed(
        actor=WHO,
        reason=WHY,
        home="us-east-1",
        request=CancelRequested.TYPE,
        fields={"mode": "force", "hold_until": "2026-01-01T01:00:00Z"},
    ),
    RootHandedOver(actor=WHO, reason=WHY, to="us-east-1", move=3, task=SUBMITTED),
    RootTakenOver(actor=WHO, reason=WHY, former_home="eu-west-1", move=3, task=SUBMITTED),
    CancelDenied(
        actor=WHO,
        reason=WHY,
        named="secret-plan",
        denied_for="not_permitted",
        organization_named="other",
    ),
    TaskProgressed(actor=WHO, reason=WHY, run_id=RUN, number=7, fraction=0.25, step="2 of 8"),
    TaskOutput(actor=WHO, reason=WHY, run_id=RUN, number=8, channel="stdout", content="12 rows\n"),
)


def full_event(body: AnyBody) -> Event:
    """Every attribute is filled too."""
    return new_event(
        body,
        id=UUID("0190a5b4-7e12-7abc-8def-0123456789ab"),
        subject="plan.collect.part-1",
        organization="acme",
        time=START + timedelta(milliseconds=1),
        source="/gateway/3",
        region="eu-west-1",
        correlationid=UUID("0190a5b4-7e13-7abc-8def-0123456789ab"),
        causationid=UUID("0190a5b4-7e14-7abc-8def-0123456789ab"),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def minimal_event(body: AnyBody) -> Event:
    """What must be there, and nothing else."""
    fields = type(body).model_fields.items()
    required = {name: getattr(body, name) for name, each in fields if each.is_required()}
    required["actor"] = Actor(kind="user", id="ada", organization="acme")
    return new_event(
        type(body)(**required),
        id=UUID("0190a5b4-7e15-7abc-8def-0123456789ab"),
        subject="plan",
        organization="acme",
        time=START,
        source="/gateway",
    )
