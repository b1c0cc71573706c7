"""Server-Sent Events: what is said about a task, a project, an organization, as it is said."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import Header, Query, Response
from fastapi.responses import StreamingResponse

from events.positions import BEGINNING
from services.gateway.answers import as_bytes
from services.gateway.callers import Called, Caller, reader
from services.gateway.history_documents import line_document
from services.gateway.native import native_routes
from services.gateway.problems import Responses, responses
from services.gateway.routes.projects import ProjectId
from services.gateway.routes.tasks import TaskId
from services.gateway.streaming import HEARTBEAT, EventStream, frame
from services.one_line import in_one_line
from services.operations import following, looking
from services.operations.following import Cursor, Topic, follow
from services.outputs import OutputRecord
from services.permissions import Permission

router = native_routes("streams")

LastEventId = Annotated[
    str | None,
    Header(
        max_length=2000,
        description="Go on after this frame, or from this frontier of the history (`0:42`).",
    ),
]
Start = Annotated[
    str | None,
    Query(max_length=2000, description="The same, for clients that can't set the header; `now`."),
]
STREAM: Responses = {
    200: {
        "description": "Frames: `event` is the event's type, `id` the cursor, `data` a line of "
        "the history, or an event of the output stream.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/tasks/{task_id}/stream",
    response_class=StreamingResponse,
    responses={**STREAM, **responses(404)},
)
async def of_task(
    caller: Called, task_id: TaskId, last_event_id: LastEventId = None, start: Start = None
) -> Response:
    """A task's history and output, from the beginning unless told otherwise."""
    await looking.get_task(caller.scope, task_id)
    return await stream(caller, Topic(task=task_id), last_event_id or start, BEGINNING_OF_BOTH)


@router.get(
    "/projects/{project_id}/stream",
    response_class=StreamingResponse,
    responses={**STREAM, **responses(404)},
)
async def of_project(
    caller: Called, project_id: ProjectId, last_event_id: LastEventId = None, start: Start = None
) -> Response:
    """A project's history and output, from the beginning unless told otherwise."""
    await looking.get_project(caller.scope, project_id)
    return await stream(
        caller, Topic(project=project_id), last_event_id or start, BEGINNING_OF_BOTH
    )


@router.get("/stream", response_class=StreamingResponse, responses={**STREAM, **responses()})
async def of_organization(
    caller: Called, last_event_id: LastEventId = None, start: Start = None
) -> Response:
    """Your organization's history, from now unless told otherwise."""
    caller.scope.need(Permission.TASKS_READ)
    return await stream(caller, Topic(), last_event_id or start, None)


BEGINNING_OF_BOTH = Cursor(BEGINNING, BEGINNING)


async def stream(
    caller: Caller, topic: Topic, text: str | None, otherwise: Cursor | None
) -> Response:
    outputs = caller.desk.outputs
    if text is None:
        start = otherwise
    elif text == "now":
        start = None
    else:
        start = following.read_cursor(text)
        await following.check_start(caller.scope, outputs, start)
    start = start or following.now(caller.scope, outputs)
    return EventStream(frames(caller, topic, start), reader(caller))


async def frames(caller: Caller, topic: Topic, start: Cursor) -> AsyncGenerator[bytes, None]:
    settings = caller.desk.settings.gateway
    said = follow(
        caller.scope, caller.desk.outputs, topic, start, settings.stream_heartbeat_seconds
    )
    async with aclosing(said):
        async for one in said:
            if one is None:
                yield HEARTBEAT
            elif isinstance(one.what, OutputRecord):
                output = in_one_line(one.what.record.value)
                yield frame(one.what.event.type, one.cursor.written(), output)
            elif one.what.event is not None:
                document = as_bytes(line_document(one.what))
                yield frame(one.what.event.type, one.cursor.written(), document)
