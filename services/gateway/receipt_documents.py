"""What the native API answers about a request: a cancel's receipt, or that it was accepted; and
what is known here of one that another region decides."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from events.body import trusted
from events.positions import written_position
from events.region_events import RequestAddressed
from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status, Verdict
from services.gateway.documents import (
    ActorDocument,
    Document,
    Undecided,
    WrittenPosition,
    actor_document,
)
from services.operations.abroad import Decided
from services.operations.receipts import AtHome, Receipt


class AtHomeDocument(Document):
    """What is known here of a request that another region decides."""

    region: str
    event_id: UUID = Field(description="Of the request in the home region's history.")
    position: WrittenPosition | None = Field(description="There; none: it hasn't arrived yet.")
    delivered_at: datetime | None = Field(description="When it arrived, by the clock there.")
    appended_at: datetime | None = Field(description="By the log there.")
    known_at: datetime | None = Field(
        description="What the home region had said by then, by its clock, is in this receipt."
    )
    news_age_seconds: float | None = Field(
        description="How long ago its last news came here; none: there were none yet."
    )


class ReceiptDocument(Document):
    """The receipt of a cancel: what was asked, what the log decided, what has come of it."""

    event_id: UUID
    subject: str
    position: WrittenPosition
    verdict: Undecided | Verdict = Field(
        description="`undecided`: accepted and durable; the receipt tells later."
    )
    reason: Reason | None = Field(description="Why it was void.")
    late_seconds: float | None = Field(description="By how much it missed the task's end.")
    who: ActorDocument
    why: str
    mode: Mode
    grace_seconds: float | None
    origin: Origin
    requested_at: datetime
    observed_at: datetime | None
    stopped_at: datetime | None
    status: Status | ProjectStatus | None
    evidence: Evidence | None
    contradicted: bool
    held_until: datetime | None
    home: AtHomeDocument | None = Field(
        description="Accepted here for another region, which decides. `position` is this region's."
    )


class RequestDocument(Document):
    """A request that was accepted here and that another region decides."""

    event_id: UUID
    subject: str
    type: str = Field(description="Of the event that the home region appends.")
    position: WrittenPosition = Field(description="In the log of the region that accepted it.")
    accepted_at: datetime
    verdict: Undecided | Verdict
    reason: Reason | None
    late_seconds: float | None
    home: AtHomeDocument


class AcceptedDocument(Document):
    """Durable, but not decided yet as far as this gateway knows."""

    id: str
    verdict: Undecided = "undecided"
    request: RequestDocument | None = Field(
        None, description="Where another region decides: what was accepted here for it."
    )


def receipt_document(receipt: Receipt) -> ReceiptDocument:
    """Made of what was validated already: it is on the way of every cancel."""
    return trusted(
        ReceiptDocument,
        {
            "event_id": receipt.event_id,
            "subject": receipt.subject,
            "position": written_position(receipt.position),
            "verdict": receipt.verdict or "undecided",
            "reason": receipt.reason,
            "late_seconds": receipt.late_seconds,
            "who": actor_document(receipt.actor),
            "why": receipt.why,
            "mode": receipt.mode,
            "grace_seconds": receipt.grace_seconds,
            "origin": receipt.origin,
            "requested_at": receipt.requested_at,
            "observed_at": receipt.observed_at,
            "stopped_at": receipt.stopped_at,
            "status": receipt.status,
            "evidence": receipt.evidence,
            "contradicted": receipt.contradicted,
            "held_until": receipt.held_until,
            "home": None if receipt.home is None else at_home_document(receipt.home),
        },
    )


def request_document(one: Decided) -> RequestDocument:
    event = one.sent.event
    body = event.data
    assert isinstance(body, RequestAddressed)
    return RequestDocument(
        event_id=event.id,
        subject=event.subject,
        type=body.request,
        position=written_position(one.sent.position),
        accepted_at=event.time,
        verdict=one.verdict or "undecided",
        reason=one.reason,
        late_seconds=one.late_seconds,
        home=at_home_document(one.home),
    )


def at_home_document(home: AtHome) -> AtHomeDocument:
    return AtHomeDocument(
        region=home.region,
        event_id=home.event_id,
        position=None if home.position is None else written_position(home.position),
        delivered_at=home.delivered_at,
        appended_at=home.appended_at,
        known_at=home.known_at,
        news_age_seconds=home.news_age_seconds,
    )
