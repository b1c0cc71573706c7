"""What was asked of the log, and what it has decided."""

from typing import Literal, TypedDict

from countermand.client.documents.regions import AtHome
from countermand.client.documents.tasks import Actor


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


class Submitted(TypedDict):
    """One task of a batch."""

    id: str
    position: str
    verdict: str
    reason: str | None
