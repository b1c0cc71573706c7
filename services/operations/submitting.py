"""Submit one task, or many at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from events.body import trusted
from events.errors import InvalidId
from events.event import Event
from events.ids import check_id
from events.positions import Position
from events.task_events import TaskSubmitted
from events.words import Reason, Verdict
from projections.entry import Entry
from services.at_hand import Noted, as_row
from services.operations import abroad, looking
from services.operations.dependencies import check_dependencies
from services.operations.requests import TaskRequest
from services.operations.scope import Scope, Undecided
from services.permissions import Permission
from services.read_models.rows import Task
from services.refusals import Conflict, Invalid, TooLarge
from services.secrets.sealing import Secrets, found


class Submitted(NamedTuple):
    """What came of one task of a batch."""

    id: str
    position: Position
    verdict: Verdict | None
    reason: Reason | None


async def submit(scope: Scope, request: TaskRequest) -> Task | Undecided:
    """The task as it was submitted."""
    scope.need(Permission.TASKS_SUBMIT)
    home = abroad.named(scope, request.region)
    if home is not None:
        return await submit_there(scope, home, request)
    events = scope.events([submission(scope, request, 0)])
    check_dependencies(events, scope.task_at_hand)
    (event,) = await sealed(scope, events, [request.secrets])
    judged = await scope.say(event)
    if judged.verdict is None:
        return Undecided(event.subject)
    if judged.refused:
        text = TEXTS.get(judged.reason, f"{event.subject!r} can't be submitted here")
        raise Conflict(judged.reason or "void", text)
    for task in judged.outcome.tasks if judged.outcome else ():
        if task.id == event.subject:
            return as_row(scope.organization, task, Noted(judged.position))
    return await looking.find_fresh_task(scope, event.subject) or Undecided(event.subject)


async def submit_there(scope: Scope, home: str, request: TaskRequest) -> Undecided:
    """Accepted here for another region, whose executors alone run it."""
    body, task_id = submission(scope, request, 0)
    await scope.parts.vault.declared.known(scope.parts.settings.verdict_wait_seconds)
    if found(scope.parts.vault.declared.of(body.kind), body.payload, request.secrets) is not None:
        raise Invalid(
            "secrets", f"their key would stay here: submit this task in region {home!r} itself"
        )
    return Undecided(task_id, await abroad.send(scope, home, body, task_id))


async def submit_many(
    scope: Scope, requests: Sequence[TaskRequest], *, wait: bool = True
) -> list[Submitted]:
    """Each with its own verdict; one that is refused takes nothing from the others.

    Without waiting they are durable and undecided: the histories tell.
    """
    scope.need(Permission.TASKS_SUBMIT)
    limit = scope.parts.settings.batch_limit_tasks
    if len(requests) > limit:
        raise TooLarge("tasks in one request", limit)
    if not requests:
        return []
    if any(abroad.named(scope, request.region) for request in requests):
        raise Invalid("region", "tasks for another region are submitted one by one")
    events = scope.events(
        [submission(scope, request, number) for number, request in enumerate(requests)]
    )
    check_dependencies(events, scope.task_at_hand)
    events = await sealed(scope, events, [request.secrets for request in requests])
    verdicts = scope.parts.verdicts
    entries: Mapping[UUID, Entry] = {}
    if wait:
        with verdicts.expecting_all([event.id for event in events]) as heard:
            positions = await scope.append(events)
            await heard.complete(scope.parts.settings.verdict_wait_seconds)
        entries = heard.entries
    else:
        positions = await scope.append(events)
    answers = []
    for event, position in zip(events, positions, strict=True):
        entry = entries.get(event.id)
        verdict, reason = (entry.outcome.verdict, entry.outcome.reason) if entry else UNDECIDED
        answers.append(Submitted(event.subject, position, verdict, reason))
    return answers


UNDECIDED = (None, None)


def submission(scope: Scope, request: TaskRequest, number: int) -> tuple[TaskSubmitted, str]:
    """What is to be said, and of which task."""
    task_id = request.id
    above = request.parent or request.project
    if request.parent and request.project:
        raise Invalid("parent", "a task is below a project or below a task, not both")
    if task_id is None:
        segment = scope.new_subject_id("task", number)
        task_id = f"{above}.{segment}" if above else segment
    elif above and not task_id.startswith(f"{above}."):
        task_id = f"{above}.{task_id}"
    if above is not None:
        try:
            check_id(task_id)
        except InvalidId as error:
            raise Invalid("id", error.why) from error
    elif "." in task_id:
        raise Invalid("id", "an id with a dot is below something: name its `project` or `parent`")
    # Not validated again: a request's fields are of the event's own types, and in its order.
    fields = {
        "actor": scope.actor,
        "reason": "",
        **request.__dict__,
        "region": request.region or scope.parts.region,
        "secrets_ciphertext": None,
        "secrets_key_id": None,
    }
    del fields["id"], fields["secrets"]
    return trusted(TaskSubmitted, fields), task_id


async def sealed(
    scope: Scope, events: Sequence[Event], given: Sequence[Mapping[str, str]]
) -> list[Event]:
    """These submissions with nothing secret in the clear."""
    vault = scope.parts.vault
    await vault.declared.known(scope.parts.settings.verdict_wait_seconds)
    kinds = {event.data.kind for event in events if isinstance(event.data, TaskSubmitted)}
    declared = {kind: vault.declared.of(kind) for kind in kinds}
    if not any(given) and not any(declared.values()):
        return list(events)
    hidden: dict[int, tuple[Event, Secrets]] = {}
    for number, (event, named) in enumerate(zip(events, given, strict=True)):
        body = event.data
        if isinstance(body, TaskSubmitted):
            secrets = found(declared[body.kind], body.payload, named)
            if secrets is not None:
                hidden[number] = (event, secrets)
    if not hidden:
        return list(events)
    safe = dict(zip(hidden, await vault.seal(list(hidden.values())), strict=True))
    return [safe.get(number, event) for number, event in enumerate(events)]


TEXTS: dict[Reason | None, str] = {
    Reason.ID_TAKEN: "this id is taken: choose another, or let one be made",
    Reason.ABOVE_FINISHED: "what it would be below is cancelled or finished",
    Reason.PLAN_IS_FULL: "all tasks of this project's plan are there",
    Reason.DEPENDENCY_ELSEWHERE: "tasks can only wait for others of their own project or family",
    Reason.MOVED: "this root has moved to another region: submit what is to be below it there",
    Reason.WRONG_REGION: "another region was asked to begin this, or for it: choose another id",
    Reason.UNKNOWN_PARENT: "there is no such parent, or the id isn't below it",
    Reason.UNKNOWN_PROJECT: "there is no such project, or the id isn't below it",
}
