"""xpander's ways to have an agent do something: at once, later, or while one listens."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.settings import Target
from services.gateway.dialects.targets import create, wanted
from services.gateway.dialects.xpander.records import AgentExecution, Invocation, record
from services.gateway.dialects.xpander.refusing import Called, described, once
from services.gateway.dialects.xpander.telling import told
from services.operations.waiting import until_at_rest
from services.read_models.rows import Task
from services.refusals import NotFound

AgentId = Annotated[str, Path(max_length=200, min_length=1)]


def routes(router: APIRouter) -> None:
    begin = "/v1/agents/{agent_id}/invoke"
    router.post(f"{begin}/async", response_model=AgentExecution, **described(404, 409, 413))(
        invoke_async
    )
    router.post(begin, response_model=AgentExecution, **described(404, 409, 413))(invoke)
    router.post(f"{begin}/stream", response_class=Response, **described(404, 409, 413))(
        invoke_stream
    )


@once
async def invoke_async(caller: Called, agent_id: AgentId, body: Invocation) -> Response:
    """Begin, and answer at once."""
    return json_response(record(await begun(caller, agent_id, body)))


@once
async def invoke(caller: Called, agent_id: AgentId, body: Invocation) -> Response:
    """Begin, and answer when it has ended or waits for somebody; bounded."""
    task = await begun(caller, agent_id, body)
    bound = caller.desk.settings.dialects.xpander.sync_wait_seconds
    return json_response(record(await until_at_rest(caller.scope, task.id, bound)))


@once
async def invoke_stream(caller: Called, agent_id: AgentId, body: Invocation) -> Response:
    """Begin, and tell what happens as it does."""
    return told(caller, await begun(caller, agent_id, body))


async def begun(caller: Called, agent_id: str, body: Invocation) -> Task:
    asked = wanted(
        caller,
        target_of(caller, agent_id),
        body.request(),
        body.labels(agent_id),
        description=body.input.text or "",
        id=body.id,
    )
    return await create(caller, asked)


def target_of(caller: Called, agent_id: str) -> Target:
    agents = caller.desk.settings.dialects.xpander.agents
    target = agents.get(agent_id) or agents.get("*")
    if target is None:
        raise NotFound("agent", agent_id)
    return target
