"""What else may be asked of a task: approve what it waits for, retry it, skip it."""

from events.run_events import TaskResumed
from events.state import TaskState
from events.task_events import TaskRetried, TaskSkipped
from events.vocabulary import AnyBody
from events.words import Reason, Status
from services.operations import looking
from services.operations.requests import ApproveRequest, AttemptRequest
from services.operations.scope import Scope
from services.permissions import Permission
from services.read_models.rows import Task
from services.refusals import Conflict, NotFound


async def approve(scope: Scope, task_id: str, request: ApproveRequest) -> Task | None:
    """Answer what a run waits for. None, here and below: durable, but not decided yet."""
    task = await _task(scope, task_id)
    wait = request.wait or task.waiting_for
    if wait is None:
        raise Conflict(Reason.NOT_WAITING, "this task doesn't wait for anybody")
    body = TaskResumed(actor=scope.actor, reason=request.reason, wait=wait, answer=request.answer)
    return await _steer(scope, task_id, body)


async def retry(scope: Scope, task_id: str, request: AttemptRequest) -> Task | None:
    """Let a failed task be tried once more."""
    task = await _task(scope, task_id)
    if task.spec.secrets_key_id is not None and task.status is Status.FAILED:
        raise Conflict(
            "secrets_destroyed",
            "the key of its secrets was destroyed when it failed: submit a new task, which names "
            "this one in `rerun_of`",
        )
    attempt = request.attempt or task.attempt
    body = TaskRetried(actor=scope.actor, reason=request.reason, attempt=attempt)
    return await _steer(scope, task_id, body)


async def skip(scope: Scope, task_id: str, request: AttemptRequest) -> Task | None:
    """Leave a pending or failed task of a project out; what depends on it may run."""
    attempt = request.attempt or (await _task(scope, task_id)).attempt
    body = TaskSkipped(actor=scope.actor, reason=request.reason, attempt=attempt)
    return await _steer(scope, task_id, body)


async def _task(scope: Scope, task_id: str) -> TaskState | Task:
    scope.need(Permission.TASKS_STEER)
    known = scope.parts.verdicts.task(scope.organization, task_id)
    if known is not None:
        return known
    task = await looking.find_fresh_task(scope, task_id)
    if task is None:
        raise NotFound("task", task_id)
    return task


async def _steer(scope: Scope, task_id: str, body: AnyBody) -> Task | None:
    judged = await scope.say(scope.event(body, task_id))
    if judged.verdict is None:
        return None
    if judged.refused:
        text = TEXTS.get(judged.reason, "this can't be done now")
        raise Conflict(judged.reason or "void", text)
    return await looking.find_fresh_task(scope, task_id)


TEXTS: dict[Reason | None, str] = {
    Reason.NOT_WAITING: "this task doesn't wait for anybody",
    Reason.WRONG_COUNTER: "this is about another wait than the one it is in",
    Reason.NOT_FAILED: "only a failed task can be retried; submit a new one instead",
    Reason.NOT_SKIPPABLE: "only a pending or failed task can be skipped",
    Reason.WRONG_ATTEMPT: "this is about another attempt than the one it is at",
    Reason.ABOVE_FINISHED: "what is above it is cancelled or finished",
    Reason.UNKNOWN_PROJECT: "only a task of a project can be skipped; cancel it instead",
}
