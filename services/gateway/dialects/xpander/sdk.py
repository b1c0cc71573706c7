"""The paths that xpander's Python SDK calls: others than the documented API has.

It puts the organization in front of them when its base URL looks like an agent controller's.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import JsonValue

from services.gateway.dialects import numbered_pages
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import PathId
from services.gateway.dialects.xpander.invoking import AgentId, begun
from services.gateway.dialects.xpander.records import (
    AgentExecution,
    Invocation,
    Item,
    Word,
    item,
    record,
)
from services.gateway.dialects.xpander.refusing import Called, described, once
from services.gateway.dialects.xpander.tasks import Short, get_task, one, stop_task
from services.gateway.dialects.xpander.telling import told
from services.gateway.dialects.xpander.wanted import Wanted, statuses
from services.read_models.questions import TaskFilter
from services.refusals import Conflict

PREFIXES = ("", "/{organization_id}", "/agent-controller/{organization_id}")
LIST_ITEMS = 100


def routes(router: APIRouter) -> None:
    for prefix in PREFIXES:
        begin = f"{prefix}/agent-execution"
        shown: dict[str, Any] = {"include_in_schema": prefix == ""}
        execution: dict[str, Any] = {"response_model": AgentExecution, **shown}
        items: dict[str, Any] = {"response_model": list[Item], **shown}
        history = f"{begin}/executions/history"
        router.get(f"{history}/user/{{user_id}}", **items, **described())(list_of_user)
        router.get(f"{history}/{{agent_id}}", **items, **described())(list_of_agent)
        router.get(f"{begin}/{{task_id}}/status", **execution, **described(404))(get_task)
        router.get(f"{begin}/{{task_id}}/events", **shown, **described(404))(get_events)
        router.patch(f"{begin}/{{task_id}}/update", **execution, **described(404, 409))(update)
        router.delete(f"{begin}/{{task_id}}", **execution, **described(404, 409))(stop_task)
        router.post(f"{begin}/{{agent_id}}", **execution, **described(404, 409, 413))(create)


@once
async def create(caller: Called, agent_id: AgentId, body: Invocation) -> Response:
    """Begin a task."""
    return json_response(record(await begun(caller, agent_id, body)))


async def get_events(caller: Called, task_id: PathId) -> Response:
    """What happens to a task, as it does."""
    return told(caller, await one(caller, task_id))


async def update(
    caller: Called, task_id: PathId, body: Annotated[dict[str, JsonValue], Body()]
) -> Response:
    """A client may save what a task already is, or that it shall stop; how it goes and what comes
    of it is for its executor to say."""
    task = record(await one(caller, task_id))
    status, result = body.get("status", task.status), body.get("result", task.result)
    if status == "stopped":
        return await stop_task(caller, task_id)
    if status != task.status or result != task.result:
        raise Conflict("not_yours", "a task's status and result are its executor's to say")
    return json_response(task)


async def list_of_agent(
    caller: Called,
    agent_id: AgentId,
    status: Word | None = None,
    user_id: Short = None,
    parent_task_id: Short = None,
    triggering_agent_id: Short = None,
    internal_status: Short = None,
) -> Response:
    """An agent's tasks, newest first."""
    wanted = Wanted(agent_id, user_id, parent_task_id, triggering_agent_id, internal_status)
    return await _listed(caller, wanted, status)


async def list_of_user(
    caller: Called,
    user_id: AgentId,
    status: Word | None = None,
    parent_task_id: Short = None,
    triggering_agent_id: Short = None,
    internal_status: Short = None,
) -> Response:
    """A user's tasks, newest first."""
    wanted = Wanted(None, user_id, parent_task_id, triggering_agent_id, internal_status)
    return await _listed(caller, wanted, status)


async def _listed(caller: Called, wanted: Wanted, status: Word | None) -> Response:
    filters = wanted.filters(TaskFilter(status=statuses(status)))
    rows = await numbered_pages.walked_each(caller, filters, wanted.means)
    return json_response([item(task) for task in rows[:LIST_ITEMS]])
