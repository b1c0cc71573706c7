"""How a region's log keeps a request for another one."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import to_json

from events.cancel_events import CancelRequested
from events.errors import UnknownVersion
from events.ids import derived_id
from events.project_events import ProjectCancelRequested, ProjectCreated
from events.region_events import RequestAddressed, RootHandedOver
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


def delivered_id(accepted: UUID | str) -> UUID:
    """Of the home region's event: whoever carries the request derives the same. From the accepted
    event's id, or that id as its bytes have it."""
    return derived_id("delivered", accepted)
