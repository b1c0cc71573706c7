"""Cancel a task or a project, and say what came of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from events.cancel_events import CancelDenied, CancelRequested
from events.event import Event
from events.ids import check_id
from events.project_events import ProjectCancelRequested
from events.words import Reason, Verdict
from services.operations import abroad, looking
from services.operations.receipts import Receipt, new_receipt, until_ended
from services.operations.requests import CancelRequest, ProjectCancelBody
from services.operations.scope import Scope
from services.permissions import Permission
from services.refusals import Forbidden, Invalid, NotFound


async def cancel(
    scope: Scope, task_id: str, request: CancelRequest, wait_seconds: float
) -> Receipt:
    """Stop a task and all below it. Appended first; what the log says is what is answered."""
    check_id(task_id)
    await _allowed(scope, task_id)
    home = await _home(scope, task_id, request.region, looking.task_known)
    hold_until = None
    if request.if_unknown == "hold" or home is not None:
        limit = scope.parts.settings.hold_limit_seconds
        if request.hold_seconds > limit:
            raise Invalid("hold_seconds", f"at most {limit:g}")
        hold_until = scope.now() + timedelta(seconds=request.hold_seconds)
    elif not await looking.task_known(scope, task_id):
        await _deny(scope, task_id, "not_found")
        raise NotFound("task", task_id)
    body = CancelRequested(
        actor=scope.actor,
        reason=request.reason,
        mode=request.mode,
        grace_seconds=request.grace_seconds,
        hold_until=hold_until,
        expires_at=request.expires_at,
    )
    if home is not None:
        return await abroad.cancel(scope, home, body, task_id, wait_seconds)
    return await _ask(scope, scope.event(body, task_id), wait_seconds)


async def cancel_project(
    scope: Scope, project_id: str, request: ProjectCancelBody, wait_seconds: float
) -> Receipt:
    """Stop what executes of a project, skip the rest, keep what is done."""
    check_id(project_id)
    await _allowed(scope, project_id)
    home = await _home(scope, project_id, request.region, looking.project_known)
    if home is None and not await looking.project_known(scope, project_id):
        await _deny(scope, project_id, "not_found")
        raise NotFound("project", project_id)
    body = ProjectCancelRequested(
        actor=scope.actor,
        reason=request.reason,
        mode=request.mode,
        grace_seconds=request.grace_seconds,
    )
    if home is not None:
        return await abroad.cancel(scope, home, body, project_id, wait_seconds)
    return await _ask(scope, scope.event(body, project_id), wait_seconds)


async def _home(
    scope: Scope,
    subject: str,
    region: str | None,
    known: Callable[[Scope, str], Awaitable[bool]],
) -> str | None:
    """The other region that decides this cancel; None: this one does."""
    if scope.parts.regions is None:
        return None
    if region is None and await known(scope, subject):
        return None
    if region == scope.parts.region:
        return await abroad.moved_to(scope, subject)
    return await abroad.home_of(scope, subject, region)


async def _ask(scope: Scope, event: Event, wait_seconds: float) -> Receipt:
    with scope.parts.verdicts.watching(scope.organization, event.subject) as watch:
        judged = await scope.say(event)
        if judged.repeated or judged.reason is Reason.DUPLICATE:
            return await looking.receipt_of(scope, event.id, wait_seconds)
        outcome = judged.outcome
        receipt = new_receipt(event, judged.position, outcome)
        if outcome is None or receipt.ended or receipt.held_until is not None:
            return receipt
        if outcome.reason is Reason.MOVED:
            return await abroad.receipt(scope, event, judged.position, wait_seconds)
        if outcome.verdict is Verdict.VOID:
            return await _of_another(scope, receipt, wait_seconds)
        return await until_ended(receipt, watch, wait_seconds)


async def _of_another(scope: Scope, receipt: Receipt, wait_seconds: float) -> Receipt:
    """A void cancel's receipt, with what became of the task all the same."""
    if receipt.reason in (Reason.ALREADY_CANCELLING, Reason.ALREADY_FINISHED):
        return await looking.receipt_of(scope, receipt.event_id, wait_seconds)
    return receipt


async def _allowed(scope: Scope, named: str) -> None:
    try:
        scope.need(Permission.TASKS_CANCEL)
    except Forbidden:
        await _deny(scope, named, "forbidden")
        raise


async def _deny(scope: Scope, named: str, denied_for: str) -> None:
    """Keep in the caller's organization that this was tried; not more often than is useful."""
    if scope.parts.denials.take(scope.principal):
        body = CancelDenied(actor=scope.actor, named=named, denied_for=denied_for)
        await scope.append([scope.event(body, named)])
