"""Pages of the history, in the order of the log or the other way round.

Within a partition the order is the log's. Between partitions there is none: lines are put together
by the latest append times so far. So a page's cursor is a frontier, and no line comes twice or is
left out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from events.positions import Frontier, read_frontier, written_frontier
from projections.place import cut, position
from services.read_models.asking import Questions
from services.read_models.lines_meant import Looked, Span, look
from services.read_models.paging import LOOKED_AT_LIMIT, LOOKED_AT_ONCE
from services.read_models.questions import PAGE_ROWS_LIMIT, HistoryFilter, InvalidCursor
from services.read_models.rows import HistoryLine, Page
from services.read_models.scope import Scoped

Ask: TypeAlias = Callable[[Callable[[Scoped], list[Looked]]], Awaitable[list[Looked]]]

INSTANT = timedelta(microseconds=1)


async def page_of_lines(
    ask: Ask,
    questions: Questions,
    where: HistoryFilter,
    spans: list[Span],
    limit: int,
    newest_first: bool,
    with_events: bool = True,
) -> Page[HistoryLine]:
    """The first lines of these spans."""
    limit = max(1, min(limit, PAGE_ROWS_LIMIT))
    lines: list[HistoryLine] = []
    looked_at = 0
    ended = False
    while len(lines) < limit and looked_at < LOOKED_AT_LIMIT and not ended:
        wanted = min(LOOKED_AT_ONCE, limit - len(lines))
        now = spans

        def question(scoped: Scoped, now: list[Span] = now, wanted: int = wanted) -> list[Looked]:
            return look(scoped, questions.tasks, where, now, wanted, newest_first, with_events)

        found = await ask(question)
        lines += [each.line for each in found if each.line is not None]
        spans = behind(spans, found, newest_first)
        looked_at += len(found)
        ended = len(found) < wanted
        await asyncio.sleep(0)
    if ended and (newest_first or not lines):
        return Page(tuple(lines), None)
    return Page(tuple(lines), cursor_of(spans, newest_first))


def spans_of(
    scoped: Scoped,
    questions: Questions,
    where: HistoryFilter,
    start: Frontier | None,
    cursor: str | None,
    newest_first: bool,
) -> list[Span]:
    """What a page may be taken from."""
    past, session = questions.past, scoped.session
    first: Frontier = start or {}
    known = past.frontier(session)
    end: Frontier = known
    if where.appended_before is not None:
        end = past.at(session, before(where.appended_before))
    if where.appended_from is not None:
        later = past.at(session, before(where.appended_from))
        first = {p: max(offset, first.get(p, 0)) for p, offset in later.items()}
    if cursor is not None:
        reached = read_cursor(cursor)
        if newest_first:
            end = {p: min(offset, reached.get(p, 0)) for p, offset in end.items()}
        else:
            first = {p: max(first.get(p, 0), reached.get(p, 0)) for p in known}
    first = {p: min(first.get(p, 0), offset) for p, offset in known.items()}
    return [Span(p, cut(first, p), cut(end, p)) for p in sorted(known)]


def behind(spans: list[Span], found: list[Looked], newest_first: bool) -> list[Span]:
    """What is left of the spans."""
    last = {each.partition: each.place for each in found}
    return [
        span
        if span.partition not in last
        else span._replace(end=last[span.partition])
        if newest_first
        else span._replace(start=last[span.partition] + 1)
        for span in spans
    ]


def cursor_of(spans: list[Span], newest_first: bool) -> str:
    return written_frontier(
        {
            span.partition: position(span.end if newest_first else span.start).offset
            for span in spans
        }
    )


def read_cursor(cursor: str) -> Frontier:
    try:
        return read_frontier(cursor)
    except ValueError:
        raise InvalidCursor(cursor) from None


def before(moment: datetime) -> datetime:
    """The last point of the past that doesn't include this one."""
    try:
        return moment - INSTANT
    except OverflowError:
        return moment
