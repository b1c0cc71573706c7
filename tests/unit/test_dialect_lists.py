"""Lists of the dialects: how much is looked at for one, whatever it is that is wanted."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.gateway.callers import Caller
from services.gateway.dialects import numbered_pages
from services.gateway.dialects.xpander.wanted import Wanted
from services.operations import looking
from services.read_models.questions import TaskFilter
from services.read_models.rows import Page, Task

PAGE, LIMIT = 500, 1200


class Shelf:
    """Endless tasks, and how many of them were handed out."""

    def __init__(self) -> None:
        self.handed_out = 0

    async def list_tasks(
        self, _scope: Any, _where: Any, _cursor: Any, limit: int, _as_of: Any
    ) -> tuple[Page[Task], None]:
        rows = tuple(cast(Task, number) for number in range(limit))
        self.handed_out += limit
        return Page(rows, "more"), None


def a_caller() -> Caller:
    settings = SimpleNamespace(
        dialects=SimpleNamespace(list_limit_items=LIMIT),
        gateway=SimpleNamespace(page_limit_items=PAGE),
    )
    return cast(Caller, SimpleNamespace(desk=SimpleNamespace(settings=settings), scope=None))


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_list_looks_at_so_many_and_at_no_more(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    shelf = Shelf()
    monkeypatch.setattr(looking, "list_tasks", shelf.list_tasks)
    rows = await numbered_pages.walked(a_caller(), TaskFilter(), lambda _task: wanted)
    assert shelf.handed_out == LIMIT
    assert len(rows) == (LIMIT if wanted else 0)


def test_what_an_xpander_list_wants_is_asked_of_the_read_models() -> None:
    user, agent, all_of_them = Wanted(user_id="ann"), Wanted(agent_id="a"), Wanted()
    assert user.filters(TaskFilter()) == [TaskFilter(label=("xpander.user_id", "ann"))]
    labelled, of_kind = agent.filters(TaskFilter(region="here"))
    assert labelled == TaskFilter(region="here", label=("xpander.agent", "a"))
    assert of_kind == TaskFilter(region="here", kind="a")
    assert all_of_them.filters(TaskFilter()) == [TaskFilter()]
