"""Pages by number or offset, with a total, as the dialects have them; ours go by cursor.

What is walked for one list is bounded by the settings: what is older isn't counted.
"""

from collections.abc import Callable
from typing import NamedTuple

from services.gateway.callers import Caller
from services.operations import looking
from services.read_models.questions import ProjectFilter, TaskFilter
from services.read_models.rows import Project, Task


class NumberedPage(NamedTuple):
    """Some of a list, and how long it is."""

    rows: tuple[Task, ...]
    total: int


def everything(_task: Task) -> bool:
    return True


async def tasks(
    caller: Caller,
    where: TaskFilter,
    skip: int,
    take: int,
    wanted: Callable[[Task], bool] = everything,
) -> NumberedPage:
    """Newest first; `wanted` says more than a filter can."""
    rows = await walked(caller, where, wanted)
    return NumberedPage(tuple(rows[skip : skip + take]), len(rows))


async def walked(
    caller: Caller, where: TaskFilter, wanted: Callable[[Task], bool] = everything
) -> list[Task]:
    """All tasks that are meant, newest first, as far as a list goes."""
    limit = caller.desk.settings.dialects.list_limit_items
    page_items = caller.desk.settings.gateway.page_limit_items
    rows: list[Task] = []
    cursor = None
    while len(rows) < limit:
        page, _ = await looking.list_tasks(caller.scope, where, cursor, page_items, None)
        rows += filter(wanted, page.rows)
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows[:limit]


async def projects(caller: Caller, where: ProjectFilter) -> list[Project]:
    """All projects that are meant, newest first, as far as a list goes."""
    limit = caller.desk.settings.dialects.list_limit_items
    page_items = caller.desk.settings.gateway.page_limit_items
    rows: list[Project] = []
    cursor = None
    while len(rows) < limit:
        page, _ = await looking.list_projects(caller.scope, where, cursor, page_items, None)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows[:limit]
