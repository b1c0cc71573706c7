"""Events of a cancellation: asked for, observed, stopped; three moments, never one."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from events.body import Body, Moment, Name, Organization, Part, Seconds, SubjectId
from events.run_events import OutputSummary, Shown
from events.words import Mode, Origin


class CancelRequested(Body):
    """Appended by a gateway or the watchdog: a task, and all below it, shall stop."""

    TYPE: ClassVar[str] = "countermand.cancel.requested.v1"

    mode: Mode = Mode.GRACEFUL
    grace_seconds: Seconds | None = None
    """None: the task's own."""
    origin: Origin = Origin.REQUEST
    hold_until: Moment | None = None
    """For a task that isn't known yet: keep the cancel until then."""
    expires_at: Moment | None = None
    """Not decided by then, it is void."""
    accepted_at: Moment | None = None
    """When another region took this request, if one did."""
    delivered_at: Moment | None = None


class Survivor(Part):
    """What of a run is still alive, and where."""

    executor: Name
    what: Name
    pid: int | None = None
    started_at: Moment | None = None


class CancelObserved(Body):
    """Appended by an executor beside its ask, never before it: the run has been told to stop."""

    TYPE: ClassVar[str] = "countermand.cancel.observed.v1"

    run_id: UUID
    cancel_id: UUID


class CancelUnconfirmed(Body):
    """Appended by an executor or the watchdog: the stop isn't confirmed yet; it is overdue."""

    TYPE: ClassVar[str] = "countermand.cancel.unconfirmed.v1"

    run_id: UUID
    cancel_id: UUID
    survivors: Annotated[tuple[Survivor, ...], Field(max_length=100)] = ()


class CancelOverran(Body):
    """Appended by the pulse: a run took longer to stop than its budget; derived from the two."""

    TYPE: ClassVar[str] = "countermand.cancel.overran.v1"

    run_id: UUID
    cancel_id: UUID
    stop_within_seconds: Seconds
    """The budget: the task's own, or its handler's."""


class TaskCancelled(Body):
    """Appended by an executor: the run has stopped, and this is how that is known."""

    TYPE: ClassVar[str] = "countermand.task.cancelled.v1"

    run_id: UUID | None = None
    """None: nothing ever ran."""
    cancel_id: UUID
    evidence: Shown
    output: OutputSummary = OutputSummary()


class CancelDenied(Body):
    """Appended by a gateway to the *caller's* organization: who was refused, and what."""

    TYPE: ClassVar[str] = "countermand.cancel.denied.v1"

    named: SubjectId
    denied_for: Name
    organization_named: Organization | None = None
