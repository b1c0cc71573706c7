"""A conversation's turns: found, and gone on with."""

from pydantic import JsonValue

from events.run_events import TaskWaiting
from events.words import TERMINAL, Status
from services.gateway.dialects import numbered_pages
from services.gateway.dialects.ids import known_task
from services.gateway.dialects.settings import Target
from services.gateway.dialects.sigmic.records import TURN_OF, Conversation, option
from services.gateway.dialects.sigmic.refusing import Called, Coded
from services.gateway.dialects.targets import create, wanted
from services.operations import looking
from services.permissions import Principal
from services.read_models.questions import HistoryFilter, TaskFilter
from services.read_models.rows import Task
from services.refusals import NotFound


async def conversation(caller: Called, id: str) -> Conversation:
    """All turns of a conversation that the caller may see."""
    first, _ = await looking.get_task(caller.scope, await known_task(caller, id))
    if not may_see(caller.scope.principal, first):
        raise NotFound("task", id)
    later = await numbered_pages.walked(caller, TaskFilter(label=(TURN_OF, first.id)))
    return Conversation((first, *reversed(later)))


def may_see(principal: Principal, task: Task) -> bool:
    """An end user of a widget sees their own only; who has a key, their organization's."""
    if principal.authenticated_by != "session":
        return True
    return task.created_by.id == principal.id


def seen_by(principal: Principal) -> TaskFilter:
    """What `may_see` lets through, and for a widget's user nothing else."""
    if principal.authenticated_by != "session":
        return TaskFilter()
    return TaskFilter(actor=(principal.kind, principal.id))


async def question_of(caller: Called, task: Task) -> str | None:
    """What a waiting task asks."""
    if task.status is not Status.WAITING:
        return None
    where = HistoryFilter(task=task.id, types=[TaskWaiting.TYPE])
    page, _ = await looking.list_history(caller.scope, where, None, 1, newest_first=True)
    for line in page.rows:
        if line.event is not None and isinstance(line.event.data, TaskWaiting):
            return line.event.data.question
    return ""


async def go_on(caller: Called, talk: Conversation, message: str, files: list[JsonValue]) -> Task:
    """The next turn. After a cancel there is none."""
    last = talk.last
    if last.cancel is not None or last.status in (Status.CANCELLED, Status.SKIPPED):
        raise Coded(409, "VALIDATION_ERROR", "Task was cancelled: create a new one")
    if last.status not in TERMINAL:
        raise Coded(409, "VALIDATION_ERROR", "Task is still running: wait until it has completed")
    first = talk.first
    auto = option(first, "autoExecute")
    labels = {TURN_OF: first.id, "sigmic.autoExecute": str(auto).lower()}
    request: dict[str, JsonValue] = {
        "message": message,
        "turn": len(talk.turns) + 1,
        "conversationId": first.id,
    }
    asked = wanted(
        caller,
        target_of(caller, auto),
        request | ({"files": files} if files else {}),
        labels,
        description=message,
        id=f"{first.id}-{len(talk.turns) + 1}",
    )
    return await create(caller, asked)


def target_of(caller: Called, auto_execute: bool) -> Target:
    settings = caller.desk.settings.dialects.sigmic
    otherwise = settings.target if auto_execute else settings.target_with_approvals
    return settings.projects.get(caller.scope.principal.id, otherwise)
