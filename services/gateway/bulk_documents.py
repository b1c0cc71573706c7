"""What the native API answers about cancels of many tasks, and how it is made."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from events.positions import written_position
from events.words import Evidence, Mode, Reason, Status, Verdict
from services.bulk_canceller import UNDECIDED
from services.gateway.documents import (
    ActorDocument,
    Document,
    Undecided,
    WrittenPosition,
    actor_document,
)
from services.operations.bulk_cancelling import Preview, Progress, Result
from services.read_models.selection import Chosen


class ChosenDocument(Document):
    """One of the tasks that would be cancelled."""

    id: str
    kind: str
    status: Status
    region: str
    created_at: datetime


class BulkPreviewDocument(Document):
    """What would be cancelled. Exactly this is, when its token is used."""

    token: str
    expires_at: datetime
    frontier: str = Field(description="The point of the history at which this was selected.")
    where: dict[str, Any]
    tasks: int
    runs: int = Field(description="Runs that would be stopped, of tasks below these too.")
    sample: tuple[ChosenDocument, ...]


class BulkCancelDocument(Document):
    """A cancel of many tasks, and how far it has come."""

    id: str
    state: Literal["running", "stopping", "stopped", "done"]
    where: dict[str, Any]
    frontier: str
    who: ActorDocument
    why: str
    mode: Mode
    grace_seconds: float | None
    per_second: float
    tasks: int
    runs: int
    requested: int = Field(description="So many cancels are durable.")
    effective: int
    void: int
    undecided: int = Field(description="Durable, but not decided when they were counted.")
    reasons: dict[str, int] = Field(description="Why those that were void were.")
    begun_at: datetime
    stop_asked_at: datetime | None
    stop_asked_by: str | None
    ended_at: datetime | None


class BulkCancelList(Document):
    items: tuple[BulkCancelDocument, ...]


class BulkItemDocument(Document):
    """What came of one task."""

    task_id: str
    event_id: UUID = Field(description="Of its cancel, which its receipt can be asked for with.")
    verdict: Verdict | Undecided | Literal["not_requested"] = Field(
        description="`not_requested`: the job hasn't come so far, or was stopped before."
    )
    reason: Reason | None
    late_seconds: float | None
    evidence: Evidence | None
    stopped_at: datetime | None
    position: WrittenPosition | None


class BulkItemPage(Document):
    items: tuple[BulkItemDocument, ...]
    next_cursor: str | None


def preview_document(preview: Preview) -> BulkPreviewDocument:
    job = preview.job
    return BulkPreviewDocument(
        token=job.id,
        expires_at=job.expires_at,
        frontier=job.frontier,
        where=dict(job.selection),
        tasks=job.tasks,
        runs=job.runs,
        sample=tuple(map(chosen_document, preview.sample)),
    )


def chosen_document(task: Chosen) -> ChosenDocument:
    return ChosenDocument(**task._asdict())


def bulk_cancel_document(progress: Progress) -> BulkCancelDocument:
    job, orders, tally = progress.job, progress.orders, progress.tally
    assert job.begun_at is not None
    decided = {Verdict.EFFECTIVE.value, UNDECIDED}
    reasons = {word: count for word, count in tally.items() if word not in decided}
    return BulkCancelDocument(
        id=job.id,
        state=progress.state,
        where=dict(job.selection),
        frontier=job.frontier,
        who=actor_document(orders.actor),
        why=orders.reason,
        mode=orders.mode,
        grace_seconds=orders.grace_seconds,
        per_second=orders.per_second,
        tasks=job.tasks,
        runs=job.runs,
        requested=progress.requested,
        effective=tally.get(Verdict.EFFECTIVE.value, 0),
        void=sum(reasons.values()),
        undecided=tally.get(UNDECIDED, 0),
        reasons=reasons,
        begun_at=job.begun_at,
        stop_asked_at=job.stop_asked_at,
        stop_asked_by=job.stop_asked_by,
        ended_at=job.ended_at,
    )


def item_document(result: Result) -> BulkItemDocument:
    receipt = result.receipt
    if receipt is None:
        return BulkItemDocument(
            task_id=result.item.task_id,
            event_id=result.item.event_id,
            verdict="not_requested",
            reason=None,
            late_seconds=None,
            evidence=None,
            stopped_at=None,
            position=None,
        )
    line = receipt.line
    return BulkItemDocument(
        task_id=result.item.task_id,
        event_id=result.item.event_id,
        verdict=line.verdict,
        reason=line.reason,
        late_seconds=line.late_seconds,
        evidence=receipt.evidence,
        stopped_at=receipt.cancel.stopped_at if receipt.cancel else None,
        position=written_position(line.position),
    )
