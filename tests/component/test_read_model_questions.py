"""What the read models answer: lists, histories, receipts, cancellations; to whom, and how much."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from events.cancel_events import CancelRequested
from events.event import encode
from events.log import Record
from events.positions import Position, read_frontier
from events.words import Evidence, ProjectStatus, Reason, Status, Verdict
from projections.entry import Entry
from projections.moments import moment
from services.read_models.database import Database
from services.read_models.models import ReadModels
from services.read_models.questions import (
    CancellationFilter,
    HistoryFilter,
    InvalidCursor,
    ProjectFilter,
    TaskFilter,
)
from services.read_models.rows import HistoryLine, Page, Task
from services.read_models.scope import compiled, of_organization
from tests.builders import History, a_project, a_task, an_executing_project
from tests.builders.actors import START
from tests.read_side import written
from tests.recorded import ORGANIZATIONS, judged, records


@cache
def entries() -> list[Entry]:
    return judged(records(11, 600, partitions=2))


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[ReadModels]:
    models = written(tmp_path, entries())
    yield models
    await models.close()


def read_models_of(tmp_path: Path, *histories: History) -> ReadModels:
    """Each event in a batch of its own."""
    events = [event for history in histories for event in history.events]
    told = [
        Record(Position(0, offset), encode(event), 1_000_000 * offset)
        for offset, event in enumerate(events)
    ]
    return written(tmp_path, judged(told), range(len(told)))


async def all_tasks(models: ReadModels, organization: str, where: TaskFilter) -> list[Task]:
    """By pages of three."""
    tasks: list[Task] = []
    cursor = None
    while True:
        page = await models.of(organization).tasks(where, cursor=cursor, limit=3)
        tasks += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return tasks


def task_filters() -> dict[str, tuple[TaskFilter, Callable[[Task], bool]]]:
    early = START + timedelta(seconds=50)
    return {
        "all": (TaskFilter(), lambda task: True),
        "status": (
            TaskFilter(status=[Status.CANCELLED]),
            lambda task: task.status is Status.CANCELLED,
        ),
        "live statuses": (
            TaskFilter(status=[Status.PENDING, Status.RUNNING]),
            lambda task: task.status in (Status.PENDING, Status.RUNNING),
        ),
        "statuses of both kinds": (
            TaskFilter(status=[Status.PENDING, Status.SUCCEEDED]),
            lambda task: task.status in (Status.PENDING, Status.SUCCEEDED),
        ),
        "evidence": (
            TaskFilter(evidence=[Evidence.NEVER_STARTED]),
            lambda task: task.evidence is Evidence.NEVER_STARTED,
        ),
        "kind": (TaskFilter(kind="k"), lambda task: task.spec.kind == "k"),
        "another kind": (TaskFilter(kind="none"), lambda task: False),
        "project": (TaskFilter(project="r2"), lambda task: task.id.startswith("r2.")),
        "parent": (TaskFilter(parent="r1"), lambda task: task.id == "r1.c"),
        "root": (TaskFilter(root="r1"), lambda task: task.root == "r1"),
        "label": (
            TaskFilter(label=("part", "b")),
            lambda task: task.spec.labels.get("part") == "b",
        ),
        "label and status": (
            TaskFilter(label=("part", "b"), status=[Status.SKIPPED]),
            lambda task: task.spec.labels.get("part") == "b" and task.status is Status.SKIPPED,
        ),
        "actor": (TaskFilter(actor=("user", "ada")), lambda task: task.created_by.id == "ada"),
        "another actor": (TaskFilter(actor=("service", "ada")), lambda task: False),
        "region": (TaskFilter(region="mars"), lambda task: task.region == "mars"),
        "created from": (TaskFilter(created_from=early), lambda task: task.created_at >= early),
        "created before": (TaskFilter(created_before=early), lambda task: task.created_at < early),
    }


@pytest.mark.parametrize("name", task_filters())
async def test_tasks_are_listed_newest_first_by_any_filter(told: ReadModels, name: str) -> None:
    where, is_meant = task_filters()[name]
    for organization in ORGANIZATIONS:
        everything = await all_tasks(told, organization, TaskFilter())
        assert everything == sorted(
            everything, key=lambda task: (task.created_at, task.id), reverse=True
        )
        assert all(task.organization == organization for task in everything)
        found = await all_tasks(told, organization, where)
        assert found == [task for task in everything if is_meant(task)]


async def test_a_page_of_many_that_are_not_meant_is_bounded_and_goes_on(
    told: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.read_models.paging.LOOKED_AT_ONCE", 5)
    monkeypatch.setattr("services.read_models.paging.LOOKED_AT_LIMIT", 5)
    where = TaskFilter(evidence=[Evidence.NEVER_STARTED])
    page = await told.of("acme").tasks(where, limit=100)
    assert page.next_cursor is not None
    monkeypatch.undo()
    whole = await told.of("acme").tasks(where, limit=100)
    rest = await told.of("acme").tasks(where, limit=100, cursor=page.next_cursor)
    assert page.rows + rest.rows == whole.rows


async def test_projects_are_listed_by_status(told: ReadModels) -> None:
    for organization in ORGANIZATIONS:
        view = told.of(organization)
        everything = (await view.projects()).rows
        assert everything
        for status in ProjectStatus:
            found = (await view.projects(ProjectFilter(status=[status]))).rows
            assert found == tuple(each for each in everything if each.status is status)
        first = await view.projects(limit=1)
        second = await view.projects(limit=1, cursor=first.next_cursor)
        assert first.rows + second.rows == everything[:2]


# ------------------------------------------------------------------------------- history


async def all_lines(
    models: ReadModels, where: HistoryFilter, *, newest_first: bool = False, limit: int = 7
) -> list[HistoryLine]:
    lines: list[HistoryLine] = []
    cursor = None
    while True:
        page = await models.of("acme").history(
            where, cursor=cursor, limit=limit, newest_first=newest_first
        )
        lines += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return lines


async def test_every_line_comes_once_and_in_the_order_of_its_partition(told: ReadModels) -> None:
    events = [e for e in entries() if e.event is not None and e.event.organization == "acme"]
    lines = await all_lines(told, HistoryFilter())
    assert sorted(line.position for line in lines) == sorted(e.record.position for e in events)
    for partition in (0, 1):
        offsets = [line.position.offset for line in lines if line.position.partition == partition]
        assert offsets == sorted(offsets)
    by_position = {e.record.position: e for e in events}
    latest, latest_us = {}, {0: 0, 1: 0}
    for entry in entries():
        partition = entry.record.position.partition
        latest_us[partition] = max(latest_us[partition], entry.record.appended_at_us)
        latest[entry.record.position] = latest_us[partition]
    in_time = [(latest[line.position], *line.position) for line in lines]
    assert in_time == sorted(in_time), "partitions are put together by time"
    for line in lines:
        entry = by_position[line.position]
        assert (line.value, line.event) == (entry.record.value, entry.event)
        assert line.appended_at == moment(entry.record.appended_at_us)
        assert (line.verdict, line.reason) == (entry.outcome.verdict, entry.outcome.reason)
        assert line.late_seconds == entry.outcome.late_seconds
        assert line.status == (entry.after.status if entry.after else None)
    backwards = await all_lines(told, HistoryFilter(), newest_first=True)
    assert backwards == lines[::-1]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_lines_are_found_by_what_they_are_about(told: ReadModels, newest_first: bool) -> None:
    lines = await all_lines(told, HistoryFilter(), newest_first=newest_first)
    wanted: list[tuple[HistoryFilter, Callable[[HistoryLine], bool]]] = [
        (HistoryFilter(root="r2"), lambda line: line.about.partition(".")[0] == "r2"),
        (HistoryFilter(project="r2"), lambda line: line.about.partition(".")[0] == "r2"),
        (HistoryFilter(task="r0"), lambda line: line.about == "r0"),
        (HistoryFilter(verdict=Verdict.NOTED), lambda line: line.verdict is Verdict.NOTED),
        (HistoryFilter(actor=("executor", "x")), lambda line: actor_of(line) == ("executor", "x")),
        (HistoryFilter(actor=("user", "x")), lambda line: False),
        (HistoryFilter(types=[CancelRequested.TYPE]), is_cancel),
        (
            HistoryFilter(types=[CancelRequested.TYPE, "nonsense"], root="r0"),
            lambda line: is_cancel(line) and line.about == "r0",
        ),
    ]
    for where, is_meant in wanted:
        found = await all_lines(told, where, newest_first=newest_first)
        assert found == [line for line in lines if is_meant(line)], where


def actor_of(line: HistoryLine) -> tuple[str, str]:
    assert line.event is not None
    return line.event.data.actor.kind, line.event.data.actor.id


def is_cancel(line: HistoryLine) -> bool:
    return line.event is not None and line.event.type == CancelRequested.TYPE


async def test_a_stream_goes_on_from_where_a_page_ended(tmp_path: Path) -> None:
    models = read_models_of(tmp_path, a_task("t").started())
    page = await models.of("acme").history(limit=10)
    assert [line.about for line in page.rows] == ["t", "t"]
    assert page.next_cursor is not None, "there may be more later"
    assert read_frontier(page.next_cursor) == {0: 2}
    rest = await models.of("acme").history(cursor=page.next_cursor)
    assert rest == Page((), None)
    behind = await models.of("acme").history(start={0: 1})
    assert [line.position.offset for line in behind.rows] == [1]
    await models.close()


async def test_a_child_shows_its_ancestors_cancels_with_its_own_verdict(tmp_path: Path) -> None:
    history = (
        a_task("t")
        .started()
        .with_child("done")
        .started()
        .completed()
        .with_child("never")
        .of("t.done")
        .with_child("x")
        .of("t")
        .with_child("runs")
        .started()
        .of("t")
        .cancel_requested()
        .cancel_requested(grace_seconds=1.0)
        .of("t.runs")
        .cancelled()
    )
    models = read_models_of(tmp_path, history)
    first = next(e.id for e in history.events if e.type == CancelRequested.TYPE)

    async def said(task: str) -> list[tuple[object, ...]]:
        lines = (await models.of("acme").history(HistoryFilter(task=task))).rows
        assert all(line.about == task for line in lines)
        return [
            (line.event.id == first, line.verdict, line.reason, line.status)
            for line in lines
            if line.event is not None and line.from_above
        ]

    finished = Reason.ALREADY_FINISHED
    assert await said("t") == []
    assert await said("t.done") == [
        (True, Verdict.VOID, finished, Status.SUCCEEDED),
        (False, Verdict.VOID, finished, Status.SUCCEEDED),
    ]
    assert await said("t.done.never") == []
    assert await said("t.runs") == [
        (True, Verdict.EFFECTIVE, None, Status.CANCELLING),
        (False, Verdict.EFFECTIVE, None, Status.CANCELLING),
    ]
    effective = HistoryFilter(task="t.done", verdict=Verdict.EFFECTIVE)
    lines = (await models.of("acme").history(effective)).rows
    assert [line.from_above for line in lines] == [False] * 3
    late = (await models.of("acme").history(HistoryFilter(task="t.done"))).rows[-1]
    assert late.late_seconds == (history.events[-2].time - history.events[4].time).total_seconds()
    await models.close()


async def test_lines_of_a_time_span_are_by_append_time(tmp_path: Path) -> None:
    models = read_models_of(tmp_path, a_task("t").started().completed())
    between = HistoryFilter(appended_from=moment(1_000_000), appended_before=moment(2_000_000))
    lines = (await models.of("acme").history(between)).rows
    assert [line.position.offset for line in lines] == [1]
    await models.close()


# ------------------------------------------------------------------- receipts, cancellations


async def test_the_first_line_is_the_receipt_and_repeats_are_counted(tmp_path: Path) -> None:
    history = a_task("t").started().cancel_requested().repeated().cancel_observed().cancelled()
    models = read_models_of(tmp_path, history)
    view = models.of("acme")
    receipt = await view.receipt(history.events[2].id)
    assert receipt is not None
    assert receipt.line.position == (0, 2)
    assert receipt.line.verdict is Verdict.EFFECTIVE
    assert receipt.repeats == 1
    assert receipt.evidence is Evidence.ACKNOWLEDGED
    assert receipt.cancel is not None
    assert receipt.cancel.observed_at == history.events[4].time
    assert receipt.cancel.stopped_at == history.events[5].time
    assert await view.receipt(a_task("u").events[0].id) == await view.receipt(history.events[0].id)
    assert await models.of("umbrella").receipt(history.events[2].id) is None
    await models.close()


async def test_a_late_cancel_says_by_how_much_and_what_stands(tmp_path: Path) -> None:
    history = a_task("t").started().completed().later(9).cancel_requested()
    models = read_models_of(tmp_path, history)
    receipt = await models.of("acme").receipt(history.events[-1].id)
    assert receipt is not None
    assert receipt.line.reason is Reason.ALREADY_FINISHED
    assert receipt.line.late_seconds == 10.0
    assert receipt.line.status is Status.SUCCEEDED
    assert receipt.cancel is None
    await models.close()


async def test_cancellations_tell_requested_observed_stopped_and_overdue(tmp_path: Path) -> None:
    stopped = a_task("s").started().cancel_requested().cancel_observed()
    stopped = stopped.cancel_observed().cancel_requested(grace_seconds=1.0).cancelled()
    overdue = a_task("o").started().cancel_requested(grace_seconds=5.0).cancel_unconfirmed()
    pending = a_task("p").cancel_requested()
    project = (
        an_executing_project("a", "b", subject="q").of("a").started().project_cancel_requested()
    )
    models = read_models_of(tmp_path, stopped, overdue, pending, project)
    view = models.of("acme")
    found = {each.id: each for each in (await view.cancellations()).rows}
    assert sorted(found) == ["o", "p", "q", "q.a", "s"], "q.b had nothing to stop"
    assert found["s"].to_observed_seconds == 1.0, "the first time counts"
    assert found["s"].to_stopped_seconds == 4.0
    assert found["s"].due_at == stopped.events[-2].time + timedelta(seconds=1)
    assert found["s"].evidence is Evidence.ACKNOWLEDGED
    assert found["p"].evidence is Evidence.NEVER_STARTED
    assert found["o"].due_at == overdue.events[2].time + timedelta(seconds=5)
    assert found["o"].cancel.unconfirmed_at == overdue.events[3].time
    assert found["q"].status is ProjectStatus.CANCELLING
    assert found["q"].due_at is None
    assert found["q.a"].cancel.subject == "q"
    open_ones = await view.cancellations(CancellationFilter(stopped=False))
    assert {each.id for each in open_ones.rows} == {"o", "q", "q.a"}
    now = overdue.events[2].time + timedelta(seconds=6)
    late = await view.cancellations(CancellationFilter(overdue_at=now))
    assert [each.id for each in late.rows] == ["o"]
    done = await view.cancellations(CancellationFilter(stopped=True))
    assert {each.id for each in done.rows} == {"s", "p"}
    await models.close()


async def test_statuses_below_a_project_are_counted(tmp_path: Path) -> None:
    project = an_executing_project("a", "b", "c").of("a").started().project_cancel_requested()
    models = read_models_of(tmp_path, project, a_task("project-2"))
    counts = await models.of("acme").statuses_below("project")
    assert counts == {Status.CANCELLING: 1, Status.SKIPPED: 2}
    await models.close()


# ------------------------------------------------------------------------- whose, and bad input


async def test_nobody_sees_another_organizations_rows(tmp_path: Path) -> None:
    history = a_project("a").of("a").cancel_requested()
    models = read_models_of(tmp_path, history)
    other = models.of("umbrella")
    assert await other.task("project.a") is None
    assert await other.task("project.a", as_of={0: 99}) is None
    assert await other.project("project") is None
    assert await other.project("project", as_of={0: 99}) is None
    assert (await other.tasks()).rows == ()
    assert (await other.projects()).rows == ()
    assert (await other.tasks(as_of={0: 99})).rows == ()
    assert (await other.history()).rows == ()
    assert (await other.cancellations()).rows == ()
    for where in (HistoryFilter(task="project.a"), HistoryFilter(root="project")):
        assert (await other.history(where)).rows == ()
    assert await other.line_at(Position(0, 0)) is None
    assert await other.receipt(history.events[-1].id) is None
    assert await other.statuses_below("project") == {}
    await models.close()


def test_a_statement_of_every_organization_is_refused(tmp_path: Path) -> None:
    from projections import tables
    from services.read_models.generations import Generations

    database: Database = Generations(tmp_path).in_use()
    compiled(database, of_organization(tables.history, tables.history.c.place))
    with pytest.raises(ValueError, match="every organization"):
        compiled(database, tables.history.select())


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", ".t", "99999999999999999999999.t", "٣.t", "1.t" * 200]
)
async def test_a_cursor_that_is_none_is_refused(told: ReadModels, cursor: str) -> None:
    view = told.of("acme")
    for page in (view.tasks, view.projects, view.cancellations):
        with pytest.raises(InvalidCursor):
            await page(cursor=cursor)


@pytest.mark.parametrize("cursor", ["", "x", "0:-1", "0:1,0:2"])
async def test_a_cursor_of_the_history_that_is_none_is_refused(
    told: ReadModels, cursor: str
) -> None:
    with pytest.raises(InvalidCursor):
        await told.of("acme").history(cursor=cursor)


async def test_points_that_are_yet_to_come_are_now(told: ReadModels) -> None:
    view = told.of("acme")
    now = await view.tasks(limit=1000)
    far = 10**30
    for then in ({0: far, 1: far, 7: far}, Position(0, far), Position(12, 3), moment(2**62)):
        assert await view.tasks(as_of=then, limit=1000) == now
    assert await view.line_at(Position(0, far)) is None
    assert await view.line_at(Position(far, 0)) is None
    assert (await view.tasks(as_of=moment(-(2**62)))).rows == ()
