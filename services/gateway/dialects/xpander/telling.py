"""xpander's event stream: `data:` lines, from the task's creation to its end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic_core import to_json

from events.task_events import TaskOutput
from events.words import TERMINAL
from services.gateway.callers import Caller, reader
from services.gateway.dialects.moments import microseconds
from services.gateway.dialects.xpander.records import record
from services.gateway.streaming import HEARTBEAT, EventStream
from services.operations import following, looking
from services.operations.following import Topic, follow
from services.outputs import OutputRecord
from services.read_models.rows import Task
from services.templates import as_text


def told(caller: Caller, task: Task) -> Response:
    """What happens to a task from now on, until it has ended."""
    return EventStream(frames(caller, task), reader(caller))


async def frames(caller: Caller, task: Task) -> AsyncGenerator[bytes, None]:
    scope, outputs = caller.scope, caller.desk.outputs
    start = following.now(scope, outputs)
    yield frame(task, "task_created", task.created_at, record(task))
    shown, _ = await looking.get_task(scope, task.id)
    if shown.status in TERMINAL:
        yield finished(shown)
        return
    idle = caller.desk.settings.gateway.stream_heartbeat_seconds
    async with aclosing(follow(scope, outputs, Topic(task=task.id), start, idle)) as said:
        async for one in said:
            if one is None:
                yield HEARTBEAT
            elif isinstance(one.what, OutputRecord):
                event = one.what.event
                if isinstance(event.data, TaskOutput):
                    yield frame(task, "chunk", event.time, as_text(event.data.content))
            elif one.what.event is not None:
                shown, _ = await looking.get_task(scope, task.id)
                if shown.status in TERMINAL:
                    yield finished(shown)
                    return
                yield frame(task, "task_updated", one.what.event.time, record(shown))


def finished(task: Task) -> bytes:
    return frame(task, "task_finished", task.finished_at or task.created_at, record(task))


def frame(task: Task, type: str, time: datetime, data: Any) -> bytes:
    update = {
        "type": type,
        "task_id": task.id,
        "organization_id": task.organization,
        "time": microseconds(time),
        "data": data,
    }
    return b"data: " + to_json(update) + b"\n\n"
