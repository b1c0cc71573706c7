"""Sigmic's stream: first what was said, then what is said, until the task is at rest.

Frames are positional there: a line `event: `, a line `data: ` with one line of JSON, and nothing
else. When a task is cancelled the stream ends, without `done`: that means completed.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from events.run_events import TaskResumed, TaskWaiting
from events.task_events import TaskOutput
from events.words import TERMINAL, Status, Verdict
from services.gateway.callers import reader
from services.gateway.dialects.ids import PathId
from services.gateway.dialects.sigmic.conversations import conversation, question_of
from services.gateway.dialects.sigmic.records import (
    Conversation,
    answer_of,
    messages,
    pending,
)
from services.gateway.dialects.sigmic.refusing import Called, described
from services.gateway.problems import Responses
from services.gateway.streaming import EventStream
from services.operations import following, looking
from services.operations.following import Said, Topic, follow
from services.outputs import OutputRecord
from services.read_models.rows import Task
from services.refusals import Unavailable
from services.templates import as_text

HEARTBEAT = b":heartbeat\n\n"
STREAM: Responses = {
    200: {
        "description": "`event` and `data` lines; `:heartbeat` every 15 s.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def routes(router: APIRouter) -> None:
    stream = described(404)
    stream["responses"] |= STREAM
    router.get("/api/v1/tasks/{task_id}/stream", response_class=StreamingResponse, **stream)(
        get_stream
    )


async def get_stream(caller: Called, task_id: PathId) -> Response:
    """What was said, and what is being said."""
    start = following.now(caller.scope, caller.desk.outputs)
    talk = await conversation(caller, task_id)
    return EventStream(frames(caller, talk, start), reader(caller), opening=b"")


async def frames(
    caller: Called, talk: Conversation, start: following.Cursor
) -> AsyncGenerator[bytes, None]:
    # 1. What was said.
    said = messages(talk)
    for message in said:
        yield frame("history_message", message)
    live = talk.last.status not in TERMINAL
    yield frame("history_done", {"messageCount": len(said), "isStreaming": live})
    if not live:
        return
    # 2. Where it is.
    yield frame("status", {"status": "connecting" if talk.last.run_id is None else "processing"})
    waits_for = await question_of(caller, talk.last)
    if waits_for is not None and talk.last.waiting_for is not None:
        yield asking(talk.last.waiting_for, waits_for)
    # 3. What is said from now on.
    idle = caller.desk.settings.gateway.stream_heartbeat_seconds
    topic = Topic(task=talk.last.id)
    async with aclosing(follow(caller.scope, caller.desk.outputs, topic, start, idle)) as news:
        async for one in news:
            if one is None:
                yield HEARTBEAT
                continue
            for each in frames_of(one):
                yield each
            if isinstance(one.what, OutputRecord) or one.what.status not in TERMINAL:
                continue
            task, _ = await looking.get_task(caller.scope, talk.last.id)
            if task.status in TERMINAL:
                for each in ending(task):
                    yield each
                return
    # An end without `done` would say that it was cancelled.
    raise Unavailable("what is said about this task can't be followed any further: read it again")


def frames_of(one: Said) -> list[bytes]:
    what = one.what
    if isinstance(what, OutputRecord):
        if isinstance(what.event.data, TaskOutput):
            text = as_text(what.event.data.content)
            return [frame("content", {"text": text, "isPartial": True})]
        return []
    if what.event is None or what.verdict is Verdict.VOID:
        return []
    match what.event.data:
        case TaskWaiting(wait=wait, question=question):
            return [asking(wait, question)]
        case TaskResumed(wait=wait, answer=answer):
            result = {"callId": f"wait-{wait}", "status": "success", "output": as_text(answer)}
            return [frame("tool_result", result)]
        case _ if what.status is Status.RUNNING:
            return [frame("status", {"status": "processing"})]
        case _ if what.status is Status.PENDING:
            return [frame("status", {"status": "retrying"})]
        case _:
            return []


def ending(task: Task) -> list[bytes]:
    """How it ended; of a cancelled one nothing is said."""
    if task.status is Status.SUCCEEDED:
        final = answer_of(task) or ""
        return [
            frame("content", {"text": final, "isPartial": False}),
            frame("done", {"finalResponse": final}),
        ]
    if task.status is Status.FAILED:
        return [frame("error", {"message": task.error or "the task failed"})]
    return []


def asking(wait: int, question: str) -> bytes:
    return frame("tool_call", {**pending(wait, question), "status": "awaiting_approval"})


def frame(event: str, data: Any) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + to_json(data) + b"\n\n"
