"""Pages by number or offset, with a total, as the dialects have them; ours go by cursor.

What is looked at for one list is bounded by the settings, whether it is wanted or not: what is
older isn't counted. Filters that the read models have reach further back than `wanted` does.
"""

from collections.abc import Callable, Iterable
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
    return page_of(await walked(caller, where, wanted), skip, take)


def page_of(rows: list[Task], skip: int, take: int) -> NumberedPage:
    return NumberedPage(tuple(rows[skip : skip + take]), len(rows))


async def walked_each(
    caller: Caller, many: Iterable[TaskFilter], wanted: Callable[[Task], bool] = everything
) -> list[Task]:
    """What one or the other filter means, each task once, newest first."""
    found = {task.id: task for where in many for task in await walked(caller, where, wanted)}
    return sorted(found.values(), key=lambda task: (task.created_at, task.id), reverse=True)


async def walked(
    caller: Caller, where: TaskFilter, wanted: Callable[[Task], bool] = everything
) -> list[Task]:
    """All tasks that are meant, newest first, as far as a list goes."""
    limit = caller.desk.settings.dialects.list_limit_items
    page_items = caller.desk.settings.gateway.page_limit_items
    rows: list[Task] = []
    cursor = None
    looked_at = 0
    while looked_at < limit:
        take = min(page_items, limit - looked_at)
        page, _ = await looking.list_tasks(caller.scope, where, cursor, take, None)
        looked_at += len(page.rows)
        rows += filter(wanted, page.rows)
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows


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
