"""How a request that was taken in one region becomes the same request in its home region.

Under an id derived from what was accepted, so that carrying it again repeats the same event.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import to_json

from events.body import trusted
from events.cancel_events import CancelRequested
from events.errors import UnknownVersion
from events.event import Event, envelope_of
from events.ids import derived_id
from events.project_events import ProjectCancelRequested, ProjectCreated
from events.region_events import RequestAddressed, RootHandedOver
from events.rules.ending import after
from events.run_events import TaskResumed
from events.task_events import TaskRetried, TaskSkipped, TaskSubmitted
from events.unread import malformed

Request = (
    CancelRequested
    | ProjectCancelRequested
    | TaskSubmitted
    | ProjectCreated
    | TaskResumed
    | TaskRetried
    | TaskSkipped
    | RootHandedOver
)
"""What may be sent to another region."""

REQUESTS: Mapping[str, type[Request]] = {body.TYPE: body for body in Request.__args__}
FORWARDED = frozenset(REQUESTS) - {TaskSubmitted.TYPE, ProjectCreated.TYPE}
"""What is carried on to a root's new home, when it came to the old one after the move."""
OF_EVERY_BODY = frozenset({"actor", "reason"})


def addressed(request: Request, home: str) -> RequestAddressed:
    """The request as this region's log keeps it for another one."""
    fields = request.model_dump(mode="json", exclude=set(OF_EVERY_BODY), exclude_none=True)
    return RequestAddressed(
        actor=request.actor,
        reason=request.reason,
        home=home,
        request=request.TYPE,
        fields=fields,
    )


def request_of(body: RequestAddressed) -> Request:
    """The request that was accepted; `UnknownVersion` when only a newer release knows it."""
    model = REQUESTS.get(body.request)
    if model is None:
        raise UnknownVersion(body.request)
    fields = {"actor": body.actor, "reason": body.reason, **body.fields}
    try:
        return model.model_validate_json(to_json(fields), strict=True)
    except ValidationError as error:
        raise malformed(error) from None


def delivered_id(accepted: UUID) -> UUID:
    """Of the home region's event: whoever carries the request derives the same."""
    return derived_id("delivered", accepted)


def delivered(accepted: Event, request: Request, now: datetime) -> Event:
    """The request as its home region's log takes it, `now` by the clock there."""
    if isinstance(request, CancelRequested):
        request = cancel_delivered(request, accepted.time, now)
    # Not validated again: the rest is the accepted event's own, in the envelope's order.
    fields = {
        **accepted.__dict__,
        "id": delivered_id(accepted.id),
        "type": request.TYPE,
        "time": now,
        "correlationid": accepted.correlationid or accepted.id,
        "causationid": accepted.id,
        "data": request,
    }
    return trusted(envelope_of(type(request)), fields)


def cancel_delivered(
    request: CancelRequested, accepted_at: datetime, now: datetime
) -> CancelRequested:
    """It is held for as long as was asked for, counted from here on: no two clocks agree, and the
    time on its way isn't to shorten it."""
    hold_until = request.hold_until
    if hold_until is not None:
        hold_until = after(now, (hold_until - accepted_at).total_seconds())
    fields = {
        **request.__dict__,
        "hold_until": hold_until,
        "accepted_at": request.accepted_at or accepted_at,
        "delivered_at": now,
    }
    return trusted(CancelRequested, fields)
