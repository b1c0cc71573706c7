"""What else may be asked of a task: approve what it waits for, retry it, skip it."""

from events.run_events import TaskResumed
from events.state import TaskState
from events.task_events import TaskRetried, TaskSkipped
from events.words import Reason, Status
from services.operations import abroad, copied, looking
from services.operations.requests import ApproveRequest, AttemptRequest
from services.operations.scope import Scope, Undecided
from services.permissions import Permission
from services.read_models.rows import Task
from services.refusals import Conflict, Invalid, NotFound


async def approve(scope: Scope, task_id: str, request: ApproveRequest) -> Task | Undecided:
    """Answer what a run waits for. Undecided, here and below: durable, and told later."""
    home, task = await _task(scope, task_id, request.region)
    wait = request.wait or (task and task.waiting_for)
    if wait is None:
        raise Conflict(Reason.NOT_WAITING, "this task doesn't wait for anybody, as far as is known")
    body = TaskResumed(actor=scope.actor, reason=request.reason, wait=wait, answer=request.answer)
    return await _steer(scope, home, task_id, body)


async def retry(scope: Scope, task_id: str, request: AttemptRequest) -> Task | Undecided:
    """Let a failed task be tried once more."""
    home, task = await _task(scope, task_id, request.region)
    if task is not None and task.spec.secrets_key_id is not None and task.status is Status.FAILED:
        raise Conflict(
            "secrets_destroyed",
            "the key of its secrets was destroyed when it failed: submit a new task, which names "
            "this one in `rerun_of`",
        )
    body = TaskRetried(actor=scope.actor, reason=request.reason, attempt=_attempt(request, task))
    return await _steer(scope, home, task_id, body)


async def skip(scope: Scope, task_id: str, request: AttemptRequest) -> Task | Undecided:
    """Leave a pending or failed task of a project out; what depends on it may run."""
    home, task = await _task(scope, task_id, request.region)
    body = TaskSkipped(actor=scope.actor, reason=request.reason, attempt=_attempt(request, task))
    return await _steer(scope, home, task_id, body)


def _attempt(request: AttemptRequest, task: TaskState | Task | None) -> int:
    attempt = request.attempt or (task and task.attempt)
    if attempt is None:
        raise Invalid("attempt", "say which one: what its home region has said isn't known here")
    return attempt


async def _task(
    scope: Scope, task_id: str, region: str | None
) -> tuple[str | None, TaskState | Task | None]:
    """The other region that decides about it, if one does, and the task as far as it is known."""
    scope.need(Permission.TASKS_STEER)
    known = scope.parts.verdicts.task(scope.organization, task_id)
    if known is not None and known.status is not Status.MOVED and region is None:
        return None, known
    task = await looking.find_fresh_task(scope, task_id)
    if task is not None and task.status is not Status.MOVED and region is None:
        return None, task
    home = await abroad.home_of(scope, task_id, region)
    if home is None:
        if task is None:
            raise NotFound("task", task_id)
        return None, task
    copy = await copied.copy_of(scope, task_id)
    return home, None if copy is None else copy.root.tasks.get(task_id)


async def _steer(
    scope: Scope, home: str | None, task_id: str, body: TaskResumed | TaskRetried | TaskSkipped
) -> Task | Undecided:
    if home is not None:
        return Undecided(task_id, await abroad.send(scope, home, body, task_id))
    judged = await scope.say(scope.event(body, task_id))
    if judged.reason is Reason.MOVED:
        return await abroad.forwarded(scope, judged)
    if judged.verdict is None:
        return Undecided(task_id)
    if judged.refused:
        text = TEXTS.get(judged.reason, "this can't be done now")
        raise Conflict(judged.reason or "void", text)
    return await looking.find_fresh_task(scope, task_id) or Undecided(task_id)


TEXTS: dict[Reason | None, str] = {
    Reason.NOT_WAITING: "this task doesn't wait for anybody",
    Reason.WRONG_COUNTER: "this is about another wait than the one it is in",
    Reason.NOT_FAILED: "only a failed task can be retried; submit a new one instead",
    Reason.NOT_SKIPPABLE: "only a pending or failed task can be skipped",
    Reason.WRONG_ATTEMPT: "this is about another attempt than the one it is at",
    Reason.ABOVE_FINISHED: "what is above it is cancelled or finished",
    Reason.UNKNOWN_PROJECT: "only a task of a project can be skipped; cancel it instead",
}
