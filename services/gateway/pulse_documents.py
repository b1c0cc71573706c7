"""What the native API says of the pulse."""

from datetime import datetime
from typing import Any

from pydantic import Field

from projections.moments import moment, moment_or_none
from projections.pulse.picture import Picture
from projections.pulse.stopping import Stopping
from services.gateway.documents import Document


class PhaseTimesDocument(Document):
    """In seconds; each at most an eighth too long, never too short. Null: nothing was timed."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class PhasesDocument(Document):
    """The three moments of a stop, and what lies between them."""

    requested_to_observed: PhaseTimesDocument
    observed_to_stopped: PhaseTimesDocument
    requested_to_stopped: PhaseTimesDocument


class WindowDocument(Document):
    """What ended in a stretch of time up to now."""

    phases: PhasesDocument
    evidence: dict[str, int] = Field(description="How many stops are known in which way.")
    overran: int = Field(description="Stops that took longer than their `stop_within_seconds`.")


class PulseGroupDocument(Document):
    """One handler in one region."""

    organization: str
    kind: str
    region: str
    stopping: int
    overdue: int
    windows: dict[str, WindowDocument]


class OverdueDocument(Document):
    """A stop that isn't proved, though its grace is over."""

    task_id: str
    kind: str
    region: str
    executor: str
    cancel_id: str
    requested_at: datetime
    observed_at: datetime | None
    due_at: datetime
    unconfirmed_at: datetime | None = Field(description="When its executor last said so.")


class ExecutorCountsDocument(Document):
    """Of all organizations: they share executors."""

    alive: int
    draining: int
    lost: int
    running: int


class DeadlineCountsDocument(Document):
    due: int = Field(description="Past, and not acted on yet.")
    within: dict[str, int]


class PulseDocument(Document):
    """What is being stopped right now, and how long each phase takes."""

    stopping: int
    unobserved: int = Field(description="Asked to stop, and their runs haven't been told yet.")
    overdue: int
    overdue_stops: tuple[OverdueDocument, ...]
    windows: dict[str, WindowDocument] = Field(description="By `1m`, `15m` and `24h`.")
    groups: tuple[PulseGroupDocument, ...]
    executors: ExecutorCountsDocument
    deadlines: DeadlineCountsDocument


def pulse_document(picture: Picture) -> PulseDocument:
    shown: dict[str, Any] = {
        **picture,
        "overdue_stops": [overdue_document(row) for row in picture["overdue_stops"]],
    }
    return PulseDocument.model_validate(shown)


def overdue_document(row: Stopping) -> OverdueDocument:
    return OverdueDocument(
        task_id=row["task_id"],
        kind=row["kind"],
        region=row["region"],
        executor=row["executor"],
        cancel_id=row["cancel_id"],
        requested_at=moment(row["requested_us"]),
        observed_at=moment_or_none(row["observed_us"]),
        due_at=moment(row["due_us"]),
        unconfirmed_at=moment_or_none(row["unconfirmed_us"]),
    )
