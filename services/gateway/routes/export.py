"""The history as a file, however long it is; what was cut off can go on."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from events.positions import Frontier, reaches, read_frontier, written_frontier
from events.words import Verdict
from services.export import as_csv, as_json_lines
from services.export_closing import closed
from services.gateway.callers import Called, reader
from services.gateway.native import native_routes
from services.gateway.pages import Types, aware, pair
from services.gateway.problems import Responses, responses
from services.gateway.streaming import Streamed
from services.operations.certainty import settled
from services.operations.event_types import check_types
from services.permissions import Permission
from services.read_models.questions import HistoryFilter
from services.refusals import Invalid

router = native_routes("history")

END = "countermand-end"
"""On the answer: the frontier at which it ends."""
MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}

FrontierText = Annotated[str | None, Query(max_length=2000, examples=["0:43"])]
FILE: Responses = {
    200: {
        "description": "A line an event, with its position and its verdict; JSON Lines end with "
        '`{"export": {"start": ..., "end": ..., "lines": ..., "sha256": ...}}`, by which a file '
        "that was cut is known, with `where` if there are filters. "
        f"`{END}` is the frontier at which it ends: a part that was cut off goes on with the "
        "frontier behind its last whole line as `start`, and this one as `end`.",
        "content": {name: {"schema": {"type": "string"}} for name in MEDIA_TYPES.values()},
    }
}


@router.get("/export", response_class=StreamingResponse, responses={**FILE, **responses()})
async def export(
    caller: Called,
    format: Annotated[Literal["jsonl", "csv"], Query()] = "jsonl",
    task: Annotated[str | None, Query(max_length=200)] = None,
    project: Annotated[str | None, Query(max_length=200)] = None,
    root: Annotated[str | None, Query(max_length=200)] = None,
    actor: Annotated[str | None, Query(max_length=300, description="kind:id")] = None,
    type: Types = None,
    verdict: Verdict | None = None,
    appended_from: datetime | None = None,
    appended_before: datetime | None = None,
    start: FrontierText = None,
    end: FrontierText = None,
) -> Response:
    """Your organization's history as JSON Lines, with the log's own bytes, or as CSV."""
    scope = caller.scope
    scope.need(Permission.OPERATE)
    scope.need(Permission.TASKS_READ)
    where = HistoryFilter(
        task=task,
        project=project,
        root=root,
        actor=pair(actor, ":", "actor"),
        types=type,
        verdict=verdict,
        appended_from=aware(appended_from, "appended_from"),
        appended_before=aware(appended_before, "appended_before"),
    )
    check_types(type, "type")
    first, asked = frontier(start, "start"), frontier(end, "end")
    await settled(scope)
    there = scope.parts.reads.frontier()
    last = there if asked is None else asked
    if not reaches(there, last):
        raise Invalid("end", f"the history ends at {written_frontier(there)}")
    if not reaches(last, first or {}):
        raise Invalid("start", f"what is asked for ends at {written_frontier(last)}")
    if format == "csv":
        rows = as_csv(scope.view, where, first, last)
    else:
        lines = as_json_lines(scope.view, where, first, last)
        given = {name: value for name, value in where._asdict().items() if value is not None}
        rows = closed(lines, written_frontier(first or {}), written_frontier(last), given)
    return Streamed(
        rows,
        reader(caller),
        MEDIA_TYPES[format],
        {
            END: written_frontier(last),
            "content-disposition": f'attachment; filename="history.{format}"',
        },
    )


def frontier(text: str | None, name: str) -> Frontier | None:
    if text is None:
        return None
    try:
        return read_frontier(text)
    except ValueError as error:
        raise Invalid(name, str(error)) from error
