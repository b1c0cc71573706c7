"""Pages, newest first, by (time, id): what a page looks at is bounded, whatever is asked for.

Conditions that an index answers are in the statement; all others are looked at row by row, up to a
limit. A page may so be short and still have a next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Select, Table, tuple_

from services.read_models.questions import PAGE_ROWS_LIMIT, InvalidCursor
from services.read_models.rows import Page

Answer = TypeVar("Answer")

LOOKED_AT_ONCE = 50
"""Rows for one question; between two questions others have their turn."""
LOOKED_AT_LIMIT = 5000
"""Rows for one page."""


class Key(NamedTuple):
    """Where a page goes on: behind this row."""

    time_us: int
    id: str


class Looked(NamedTuple, Generic[Answer]):
    """A row that was looked at, and its answer if it is wanted."""

    key: Key
    answer: Answer | None


async def page_of(
    look: Callable[[Key | None, int], Awaitable[Sequence[Looked[Answer]]]],
    cursor: str | None,
    limit: int,
) -> Page[Answer]:
    """`look` gives the rows behind a key, up to a number; fewer only at the end."""
    limit = max(1, min(limit, PAGE_ROWS_LIMIT))
    last = read_key(cursor)
    answers: list[Answer] = []
    looked_at = 0
    while len(answers) < limit and looked_at < LOOKED_AT_LIMIT:
        wanted = min(LOOKED_AT_ONCE, max(limit - len(answers), 10))
        rows = await look(last, wanted)
        for key, answer in rows:
            if len(answers) == limit:
                break
            last = key
            if answer is not None:
                answers.append(answer)
        else:
            if len(rows) < wanted:
                return Page(tuple(answers), None)
        looked_at += len(rows)
        await asyncio.sleep(0)
    more = await look(last, 1)
    return Page(tuple(answers), written_key(last) if more and last else None)


def newest_first(
    statement: Select[Any], table: Table, time: str, after: Key | None, rows: int
) -> Select[Any]:
    """The rows behind a key, by an index that ends with this time and the id."""
    columns = table.c[time], table.c.id
    if after is not None:
        statement = statement.where(tuple_(*columns) < after)
    return statement.order_by(*(column.desc() for column in columns)).limit(rows)


def written_key(key: Key) -> str:
    return f"{key.time_us}.{key.id}"


def read_key(cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    time_us, dot, id = cursor.partition(".")
    digits = time_us.removeprefix("-")
    if not (dot and digits.isascii() and digits.isdecimal() and len(digits) < 19 and len(id) < 300):
        raise InvalidCursor(cursor)
    return Key(int(time_us), id)
