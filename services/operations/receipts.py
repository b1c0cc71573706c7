"""The receipt of a cancel: what was asked, what the log decided, and what has come of it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from events.body import Actor
from events.cancel_events import CancelObserved, CancelRequested
from events.event import Event
from events.outcome import Outcome
from events.positions import Position
from events.project_events import ProjectCancelRequested
from events.state import ProjectState, TaskState
from events.words import (
    PROJECT_FINISHED,
    TERMINAL,
    Evidence,
    Mode,
    Origin,
    ProjectStatus,
    Reason,
    Status,
    Verdict,
)
from projections.entry import Entry
from services.read_models.rows import CancelInForce
from services.read_models.rows import Receipt as ReceiptRow
from services.verdicts import Watch


class AtHome(NamedTuple):
    """What is known here of a request that another region decides."""

    region: str
    event_id: UUID
    """Of the request as the home region's log has it."""
    position: Position | None = None
    """There. None: as far as is known here it hasn't arrived."""
    delivered_at: datetime | None = None
    """When it arrived, by the clock there."""
    appended_at: datetime | None = None
    """By the log there."""
    known_at: datetime | None = None
    """Everything that the home region had said by then, by its clock, is in this receipt."""
    news_age_seconds: float | None = None
    """How long ago its last news came here; None: there were none yet."""


class Receipt(NamedTuple):
    """One cancel request. Requested, observed and stopped are three moments, never one."""

    event_id: UUID
    subject: str
    position: Position
    verdict: Verdict | None
    """None: accepted and durable, but not decided yet as far as this process knows."""
    reason: Reason | None
    late_seconds: float | None
    actor: Actor
    why: str
    mode: Mode
    grace_seconds: float | None
    origin: Origin
    requested_at: datetime
    observed_at: datetime | None = None
    stopped_at: datetime | None = None
    status: Status | ProjectStatus | None = None
    """Of what was asked to stop, as of this receipt."""
    evidence: Evidence | None = None
    contradicted: bool = False
    held_until: datetime | None = None
    home: AtHome | None = None
    """None: it is decided by the log at whose `position` it stands."""

    @property
    def ended(self) -> bool:
        """What was asked to stop has ended."""
        return self.status in TERMINAL or self.status in PROJECT_FINISHED


def new_receipt(event: Event, position: Position, outcome: Outcome | None) -> Receipt:
    body = event.data
    assert isinstance(body, CancelRequested | ProjectCancelRequested)
    receipt = Receipt(
        event_id=event.id,
        subject=event.subject,
        position=position,
        verdict=outcome.verdict if outcome else None,
        reason=outcome.reason if outcome else None,
        late_seconds=outcome.late_seconds if outcome else None,
        actor=body.actor,
        why=body.reason,
        mode=body.mode,
        grace_seconds=body.grace_seconds,
        origin=body.origin if isinstance(body, CancelRequested) else Origin.REQUEST,
        requested_at=event.time,
    )
    if outcome is None:
        return receipt
    if outcome.tombstone is not None:
        return receipt._replace(held_until=outcome.tombstone.hold_until)
    return moved(receipt, outcome)


def receipt_of_row(row: ReceiptRow) -> Receipt:
    line = row.line
    event = line.event
    assert event is not None
    body = event.data
    assert isinstance(body, CancelRequested | ProjectCancelRequested)
    receipt = Receipt(
        event_id=event.id,
        subject=event.subject,
        position=line.position,
        verdict=line.verdict,
        reason=line.reason,
        late_seconds=line.late_seconds,
        actor=body.actor,
        why=body.reason,
        mode=body.mode,
        grace_seconds=body.grace_seconds,
        origin=body.origin if isinstance(body, CancelRequested) else Origin.REQUEST,
        requested_at=event.time,
        evidence=row.evidence,
    )
    if line.status is None and isinstance(body, CancelRequested) and row.cancel is None:
        receipt = receipt._replace(held_until=body.hold_until)
    return with_moments(receipt, row.cancel)


def with_moments(receipt: Receipt, cancel: CancelInForce | None) -> Receipt:
    if cancel is None:
        return receipt
    return receipt._replace(observed_at=cancel.observed_at, stopped_at=cancel.stopped_at)


def moved(receipt: Receipt, outcome: Outcome) -> Receipt:
    """The receipt after a change of what was asked to stop."""
    project = outcome.project
    if project is not None and project.id == receipt.subject:
        return with_project(receipt, project)
    for task in outcome.tasks:
        if task.id == receipt.subject:
            return with_task(receipt, task)
    return receipt


def with_task(receipt: Receipt, task: TaskState) -> Receipt:
    return receipt._replace(
        status=task.status,
        evidence=task.evidence,
        contradicted=task.contradicted,
        stopped_at=task.finished_at if task.cancel is not None else None,
    )


def with_project(receipt: Receipt, project: ProjectState) -> Receipt:
    return receipt._replace(
        status=project.status,
        stopped_at=project.finished_at if project.cancel is not None else None,
    )


def after(receipt: Receipt, entries: Iterable[Entry]) -> Receipt:
    """The receipt after what was heard since it was requested."""
    for entry in entries:
        event = entry.event
        if event is None or entry.record.position <= receipt.position:  # one root, one partition
            continue
        if (
            isinstance(event.data, CancelObserved)
            and event.subject == receipt.subject
            and entry.outcome.verdict is not Verdict.VOID
        ):
            receipt = receipt._replace(observed_at=receipt.observed_at or event.time)
        receipt = moved(receipt, entry.outcome)
    return receipt


async def until_ended(receipt: Receipt, watch: Watch, wait_seconds: float) -> Receipt:
    """The receipt once what was asked to stop has ended, or as it is when the wait is over
    or this process ends."""
    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                receipt = after(receipt, watch.taken())
                if receipt.ended or watch.closed:
                    return receipt
                await watch.more()
    except TimeoutError:
        return receipt
