"""What became of a request that was accepted here for another region."""

from uuid import UUID

from events.event import Event
from events.region_events import RequestAddressed
from events.words import Reason, Verdict
from services.operations.abroad import Decided, verdict_on
from services.operations.certainty import settled
from services.operations.forwarding import sent_on_from_here
from services.operations.receipts import AtHome
from services.operations.scope import Scope, Sent
from services.permissions import Permission
from services.refusals import NotFound
from services.regions.addressing import delivered_id


async def decided(scope: Scope, event_id: UUID, wait_seconds: float) -> Decided:
    """Waits for the verdict of the home region."""
    scope.need(Permission.TASKS_READ)
    row = await scope.view.receipt(event_id)
    if row is None:
        await settled(scope)
        row = await scope.view.receipt(event_id)
    event = None if row is None else row.line.event
    home = None if event is None else await _home(scope, event)
    if row is None or event is None or home is None:
        raise NotFound("request for another region", str(event_id))
    line, sent = row.line, Sent(event, row.line.position, home)
    refused = line.verdict is Verdict.VOID and line.reason is not Reason.MOVED
    if refused or scope.parts.regions is None:
        return Decided(sent, line.verdict, line.reason, None, AtHome(home, delivered_id(event_id)))
    return await verdict_on(scope, sent, wait_seconds)


async def _home(scope: Scope, event: Event) -> str | None:
    """The region that this was sent to; or that its root had moved to, when it came here."""
    if isinstance(event.data, RequestAddressed):
        return event.data.home
    return await sent_on_from_here(scope, event.id)
