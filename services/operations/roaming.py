"""Give a root a new home: it is asked for where it is to be decided from then on."""

from events.ids import check_id
from events.region_events import RootHandedOver
from services.operations import abroad, looking
from services.operations.requests import MoveRequest
from services.operations.scope import Scope, Undecided
from services.permissions import Permission
from services.refusals import Conflict, Invalid, NotFound


async def move(scope: Scope, task_id: str, request: MoveRequest) -> Undecided:
    """Ask a root's home to hand it over to this region. Nothing else begins here under its id."""
    scope.need(Permission.TASKS_SUBMIT)
    check_id(task_id)
    if scope.parts.regions is None:
        raise Invalid("region", "this region knows no others: see the setting regions.others")
    if "." in task_id:
        raise Invalid("id", "what is below a root has its root's home, and doesn't move alone")
    if request.region is None and await looking.task_known(scope, task_id):
        raise Conflict("already_here", f"{task_id!r} is decided by this region already")
    home = await abroad.home_of(scope, task_id, request.region)
    if home is None:
        raise NotFound("task", task_id)
    body = RootHandedOver(actor=scope.actor, reason=request.reason, to=scope.parts.region)
    refused = "this region decides about it, or has it from, or asked for it in, another region"
    return Undecided(task_id, await abroad.send(scope, home, body, task_id, refused))
