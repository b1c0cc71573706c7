"""xpander's REST API about tasks: stop, get, list, delete, thread."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.gateway.dialects import numbered_pages
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import PathId, known_task
from services.gateway.dialects.stopping import Stopping, stop
from services.gateway.dialects.xpander.invoking import AgentId
from services.gateway.dialects.xpander.records import (
    AgentExecution,
    ItemPage,
    Message,
    Word,
    item,
    record,
    thread,
)
from services.gateway.dialects.xpander.refusing import Called, described
from services.gateway.dialects.xpander.wanted import Wanted, statuses
from services.gateway.pages import aware
from services.operations import looking
from services.read_models.questions import TaskFilter
from services.read_models.rows import Task

REASON = "stopped through xpander's API"

Page = Annotated[int, Query(ge=1, le=1_000_000)]
PerPage = Annotated[int, Query(ge=1, le=50)]
Short = Annotated[str | None, Query(max_length=200)]


def routes(router: APIRouter) -> None:
    """Put them on the router, in the order in which they are matched."""
    router.post("/v1/tasks/{task_id}/stop", response_model=AgentExecution, **described(404, 409))(
        stop_task
    )
    router.get("/v1/tasks/{task_id}", response_model=AgentExecution, **described(404))(get_task)
    router.get("/v1/tasks", response_model=ItemPage, **described())(list_tasks)
    router.delete(
        "/v1/tasks/{task_id}",
        status_code=204,
        **described(404) | {"responses": described(404)["responses"] | {202: STILL_STOPPING}},
    )(delete_task)
    for path in ("/v1/tasks/{task_id}/thread", "/v1/tasks/{task_id}/thread/full"):
        router.get(path, response_model=list[Message], **described(404))(get_thread)
    router.get("/v1/agents/{agent_id}/tasks", response_model=ItemPage, **described(404))(
        list_tasks_of_agent
    )


STILL_STOPPING = {"description": "Asked to stop; the stop isn't confirmed yet."}


async def stop_task(caller: Called, task_id: PathId) -> Response:
    """Stop a task. Stopped already, or finished: unchanged."""
    return json_response(record((await stopping(caller, task_id)).task))


async def stopping(caller: Called, task_id: str) -> Stopping:
    return await stop(caller, await known_task(caller, task_id), REASON)


async def get_task(caller: Called, task_id: PathId) -> Response:
    """A task."""
    return json_response(record(await one(caller, task_id)))


async def one(caller: Called, task_id: str) -> Task:
    task, _ = await looking.get_task(caller.scope, await known_task(caller, task_id))
    return task


async def delete_task(caller: Called, task_id: PathId) -> Response:
    """Stop a task if it isn't over. Its record stays: what happened is kept for ever."""
    done = await stopping(caller, task_id)
    return Response(status_code=204 if done.confirmed else 202)


async def get_thread(caller: Called, task_id: PathId) -> Response:
    """What was asked of a task, and what came of it."""
    return json_response(thread(await one(caller, task_id)))


async def list_tasks(
    caller: Called,
    page: Page = 1,
    per_page: PerPage = 20,
    status: Word | None = None,
    agent_id: Short = None,
    user_id: Short = None,
    parent_task_id: Short = None,
    triggering_agent_id: Short = None,
    internal_status: Short = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
) -> Response:
    """Tasks, newest first."""
    where = TaskFilter(
        status=statuses(status),
        created_from=aware(utc(from_date), "from_date"),
        created_before=aware(utc(to_date), "to_date"),
    )
    wanted = Wanted(agent_id, user_id, parent_task_id, triggering_agent_id, internal_status)
    rows = await numbered_pages.walked_each(caller, wanted.filters(where), wanted.means)
    found = numbered_pages.page_of(rows, (page - 1) * per_page, per_page)
    return json_response(
        ItemPage(
            items=[item(task) for task in found.rows],
            total=found.total,
            page=page,
            per_page=per_page,
            total_pages=-(-found.total // per_page),
        )
    )


def utc(moment: datetime | None) -> datetime | None:
    """xpander's dates have no time zone."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


async def list_tasks_of_agent(
    caller: Called, agent_id: AgentId, page: Page = 1, per_page: PerPage = 20
) -> Response:
    """An agent's tasks, newest first."""
    return await list_tasks(caller, page=page, per_page=per_page, agent_id=agent_id)
