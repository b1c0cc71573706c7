"""Look at tasks, approve their tool calls, cancel them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.gateway.dialects import numbered_pages
from services.gateway.dialects.dialect import json_response
from services.gateway.dialects.ids import PathId
from services.gateway.dialects.sigmic.conversations import (
    conversation,
    may_see,
    question_of,
    seen_by,
)
from services.gateway.dialects.sigmic.records import (
    HistoryMessage,
    Outcome,
    TaskDocument,
    Word,
    document,
    grouped,
    messages,
    option,
    wait_of,
)
from services.gateway.dialects.sigmic.refusing import Called, Coded, described
from services.gateway.dialects.stopping import stop
from services.operations import steering
from services.operations.requests import ApproveRequest
from services.refusals import Conflict

REASON = "cancelled through Sigmic's API"


class Message(BaseModel):
    message: str


class MessageReply(BaseModel):
    success: bool
    data: Message


class TaskReply(BaseModel):
    success: bool
    data: TaskDocument


class Span(BaseModel):
    total: int
    limit: int
    offset: int
    hasMore: bool  # noqa: N815


class ListReply(BaseModel):
    success: bool
    data: list[TaskDocument]
    pagination: Span


class Approved(BaseModel):
    approved: bool


class ApprovedReply(BaseModel):
    success: bool
    data: Approved


class History(BaseModel):
    taskId: str  # noqa: N815
    conversationId: str  # noqa: N815
    status: Word
    messages: list[HistoryMessage]


class HistoryReply(BaseModel):
    success: bool
    data: History


def routes(router: APIRouter) -> None:
    task = "/api/v1/tasks/{task_id}"
    still = {202: {"model": MessageReply, "description": "Not confirmed yet; it goes on."}}
    cancelling = described(404)
    cancelling["responses"] |= still
    router.delete(task, response_model=MessageReply, **cancelling)(cancel)
    router.get("/api/v1/tasks", response_model=ListReply, **described())(list_tasks)
    router.get(task, response_model=TaskReply, **described(404))(get_task)
    router.get(f"{task}/history", response_model=HistoryReply, **described(404))(get_history)
    router.post(
        f"{task}/tools/{{call_id}}/approve", response_model=ApprovedReply, **described(404, 409)
    )(approve)


def reply(data: Any, status: int = 200) -> Response:
    return json_response({"success": True, "data": data}, status)


async def cancel(caller: Called, task_id: PathId) -> Response:
    """Cancel what it is at. What has ended stays as it is."""
    talk = await conversation(caller, task_id)
    done = await stop(caller, talk.last.id, REASON)
    if done.confirmed:
        return reply({"message": "Task cancelled"})
    return reply({"message": "Cancellation requested"}, 202)


async def get_task(caller: Called, task_id: PathId) -> Response:
    """A task."""
    talk = await conversation(caller, task_id)
    return reply(document(talk, await question_of(caller, talk.last)))


async def list_tasks(
    caller: Called,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Tasks, the last active first."""
    principal = caller.scope.principal
    rows = await numbered_pages.walked(
        caller,
        seen_by(principal),
        lambda task: may_see(principal, task) and option(task, "showInHistory"),
    )
    talks = grouped(rows)
    shown = talks[offset : offset + limit]
    return json_response(
        {
            "success": True,
            "data": [document(talk, listed=True) for talk in shown],
            "pagination": {
                "total": len(talks),
                "limit": limit,
                "offset": offset,
                "hasMore": offset + limit < len(talks),
            },
        }
    )


async def get_history(caller: Called, task_id: PathId) -> Response:
    """What was said."""
    talk = await conversation(caller, task_id)
    shown = document(talk)
    return reply(
        {
            "taskId": talk.first.id,
            "conversationId": shown["conversationId"],
            "status": shown["status"],
            "messages": messages(talk),
        }
    )


async def approve(
    caller: Called,
    task_id: PathId,
    call_id: str,
    body: Outcome,
) -> Response:
    """Answer what a task waits for."""
    talk = await conversation(caller, task_id)
    wait = wait_of(call_id)
    if wait is None or wait != talk.last.waiting_for:
        raise Coded(404, "NOT_FOUND", "No such tool call awaits approval")
    approved = body.outcome != "cancel"
    answer = ApproveRequest(wait=wait, answer={"approved": approved, "outcome": body.outcome})
    try:
        await steering.approve(caller.scope, talk.last.id, answer)
    except Conflict as error:
        raise Coded(409, "VALIDATION_ERROR", "It no longer awaits approval") from error
    return reply({"approved": approved})
