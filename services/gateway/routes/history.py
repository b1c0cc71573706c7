"""The history: every event with its place and its verdict."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query, Response

from events.positions import read_frontier
from events.words import Verdict
from services.gateway.answers import answer, news_headers
from services.gateway.callers import Called
from services.gateway.history_documents import HistoryPage, line_document
from services.gateway.native import native_routes
from services.gateway.pages import Cursor, Limit, Types, aware, page_rows, pair
from services.gateway.problems import responses
from services.gateway.routes.projects import ProjectId
from services.gateway.routes.tasks import AskHome, TaskId
from services.operations import copied, looking
from services.read_models.questions import HistoryFilter, InvalidCursor
from services.read_models.rows import HistoryLine
from services.refusals import Invalid
from services.regions.copy import Copy

router = native_routes("history")

CURSOR_LIMIT_DIGITS = 9
NewestFirst = Annotated[bool, Query(description="The other way round.")]


@router.get("/tasks/{task_id}/history", response_model=HistoryPage, responses=responses(404))
async def of_task(
    caller: Called,
    task_id: TaskId,
    cursor: Cursor = None,
    limit: Limit = None,
    newest_first: NewestFirst = False,
    fresh: AskHome = False,
) -> Response:
    """Everything that was said about a task, and what each did. Of one that another region decides,
    what is known here: the header `countermand-region` names it, and positions are of its log."""
    rows = page_rows(caller, limit)
    there = await copied.lines(caller.scope, task_id, fresh=fresh)
    if there is not None:
        copy, lines = there
        return _copied(copy, lines[::-1] if newest_first else lines, cursor, rows)
    where = HistoryFilter(task=task_id)
    return await _page(caller, where, cursor, rows, newest_first, task_id)


@router.get("/projects/{project_id}/history", response_model=HistoryPage, responses=responses(404))
async def of_project(
    caller: Called,
    project_id: ProjectId,
    cursor: Cursor = None,
    limit: Limit = None,
    newest_first: NewestFirst = False,
) -> Response:
    """Everything that was said about a project and what is in it."""
    where = HistoryFilter(project=project_id)
    await looking.get_project(caller.scope, project_id)
    return await _page(caller, where, cursor, page_rows(caller, limit), newest_first, None)


@router.get("/history", response_model=HistoryPage, responses=responses())
async def of_organization(
    caller: Called,
    task: Annotated[str | None, Query(max_length=200)] = None,
    project: Annotated[str | None, Query(max_length=200)] = None,
    root: Annotated[str | None, Query(max_length=200)] = None,
    actor: Annotated[str | None, Query(max_length=300, description="kind:id")] = None,
    type: Types = None,
    verdict: Verdict | None = None,
    appended_from: datetime | None = None,
    appended_before: datetime | None = None,
    start: Annotated[
        str | None, Query(max_length=2000, description="A frontier: only what comes from there on.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = None,
    newest_first: NewestFirst = False,
) -> Response:
    """Your organization's history, by task, project, actor, type, verdict and time."""
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
    return await _page(caller, where, cursor, page_rows(caller, limit), newest_first, None, start)


def _copied(copy: Copy, lines: Sequence[HistoryLine], cursor: str | None, limit: int) -> Response:
    """A page of a copy; the cursor says how many lines came before."""
    start = 0 if cursor is None else int(cursor) if cursor.isascii() and cursor.isdigit() else None
    if start is None or len(cursor or "") > CURSOR_LIMIT_DIGITS:
        raise InvalidCursor(cursor or "")
    items = tuple(map(line_document, lines[start : start + limit]))
    more = str(start + limit) if start + limit < len(lines) else None
    return answer(HistoryPage(items=items, next_cursor=more), headers=news_headers(copy))


async def _page(
    caller: Called,
    where: HistoryFilter,
    cursor: str | None,
    rows: int,
    newest_first: bool,
    must_exist: str | None,
    start: str | None = None,
) -> Response:
    try:
        frontier = None if start is None else read_frontier(start)
    except ValueError as error:
        raise Invalid("start", str(error)) from error
    page, fresh = await looking.list_history(
        caller.scope,
        where,
        cursor,
        rows,
        newest_first,
        frontier,
    )
    if must_exist is not None and not page.rows and cursor is None:
        await looking.get_task(caller.scope, must_exist)
    items = tuple(line_document(line) for line in page.rows)
    return answer(HistoryPage(items=items, next_cursor=page.next_cursor), fresh=fresh)
