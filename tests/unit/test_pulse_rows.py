"""The pulse's rows: what is being stopped, how long it took, what is overdue. No clock, no log."""

from collections.abc import Iterable

from events.event import encode
from events.log import Record
from events.positions import Position
from events.words import Evidence, Mode
from projections.entry import Entry
from projections.moments import us
from projections.pulse.executors import budgets, executor_row, state
from projections.pulse.picture import Picture, picture
from projections.pulse.stopping import over_budget_at_us
from projections.pulse.tables import GROUPS_LIMIT, OTHERS, Tables, budgeted, enter, sweep
from tests.builders import History, a_project, a_task
from tests.builders.actors import ORGANIZATION, START
from tests.recorded import judged

START_US = us(START)
SECOND_US = 1_000_000
KEY = f"{ORGANIZATION}/task"


def entries(history: History) -> Iterable[Entry]:
    return judged(
        [
            Record(Position(0, offset), encode(event), us(event.time))
            for offset, event in enumerate(history.events)
        ]
    )


def after(history: History, **budgets_seconds: float) -> Tables:
    tables = Tables()
    for entry in entries(history):
        enter(tables, entry, budgets_seconds)
    return tables


def seen(tables: Tables, seconds: float = 10, margin_seconds: float = 5) -> Picture:
    return picture(
        START_US + int(seconds * SECOND_US),
        stopping=tables.stopping.values(),
        slots=tables.slots.values(),
        executors=tables.executors.values(),
        deadlines=tables.deadlines.values(),
        margin_us=int(margin_seconds * SECOND_US),
    )


def test_a_cancel_of_a_run_is_live_until_the_run_has_stopped() -> None:
    asked = a_task().started().cancel_requested()

    assert seen(after(asked))["stopping"] == 1
    assert seen(after(asked))["unobserved"] == 1
    assert seen(after(asked.cancel_observed()))["unobserved"] == 0
    assert seen(after(asked.cancel_observed().cancelled()))["stopping"] == 0


def test_each_phase_is_timed() -> None:
    history = a_task(kind="report").started().cancel_requested()  # at +3 s
    history = history.cancel_observed()  # +4 s
    tables = after(history.later(7).cancelled(Evidence.EXITED))  # +12 s

    shown = seen(tables, 20)
    times = shown["windows"]["1m"]["phases"]

    assert times["requested_to_observed"]["count"] == 1
    assert times["requested_to_observed"]["mean"] == 1.0
    assert times["observed_to_stopped"]["mean"] == 8.0
    assert times["requested_to_stopped"]["mean"] == 9.0
    for name in ("p50", "p95", "p99"):
        assert 9.0 <= (times["requested_to_stopped"][name] or 0) < 9.0 * 9 / 8
    (group,) = shown["groups"]
    assert (group["organization"], group["kind"]) == (ORGANIZATION, "report")
    assert shown["windows"]["24h"]["evidence"] == {"exited": 1}


def test_what_never_ran_is_counted_and_not_timed() -> None:
    shown = seen(after(a_task().cancel_requested().closed()))

    assert shown["windows"]["1m"]["evidence"] == {"never_started": 1}
    assert shown["windows"]["1m"]["phases"]["requested_to_stopped"]["count"] == 0


def test_what_runs_below_a_cancel_is_stopped_by_one_event_and_what_is_pending_is_no_stop() -> None:
    family = a_task("t").started().with_child("a").started().with_child("b", kind="other")
    asked = family.of("t").cancel_requested()

    assert seen(after(asked))["stopping"] == 2
    ended = asked.of("a").cancelled().of("t").cancelled()
    assert seen(after(ended))["windows"]["1m"]["evidence"] == {"acknowledged": 2}


def test_a_project_s_cancel_stops_its_runs() -> None:
    project = a_project("a", "b", subject="p").planned().approved().of("a").started()

    assert seen(after(project.project_cancel_requested()))["stopping"] == 1


def test_a_stop_is_overdue_after_its_grace_and_a_margin_or_as_soon_as_it_is_said() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30)  # +3 s: due at +33 s

    assert seen(after(asked), 37)["overdue"] == 0
    assert seen(after(asked), 39)["overdue"] == 1
    assert seen(after(asked.cancel_unconfirmed()), 10)["overdue"] == 1
    assert seen(after(asked), 39)["overdue_stops"][0]["task_id"] == "task"


def test_a_tightened_cancel_is_due_sooner_and_was_asked_for_when_it_first_was() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30).cancel_observed()
    row = after(asked.later(5).cancel_requested(Mode.FORCE)).stopping[KEY]

    assert row["due_us"] == START_US + 10 * SECOND_US
    assert row["requested_us"] == START_US + 3 * SECOND_US
    assert row["observed_us"] == START_US + 4 * SECOND_US


def test_a_void_event_changes_nothing() -> None:
    ended = a_task().started().completed().cancel_requested()

    assert after(ended) == Tables()


def test_times_fall_out_of_their_windows() -> None:
    tables = after(a_task().started().cancel_requested().cancelled())

    counts = {
        seconds: [
            seen(tables, seconds)["windows"][name]["evidence"].get("acknowledged", 0)
            for name in ("1m", "15m", "24h")
        ]
        for seconds in (30, 120, 1200, 90_001)
    }

    assert counts == {30: [1, 1, 1], 120: [0, 1, 1], 1200: [0, 0, 1], 90_001: [0, 0, 0]}
    sweep(tables, START_US + 90_001 * SECOND_US)
    assert tables == Tables()


def test_a_budget_is_the_task_s_own_or_its_handler_s() -> None:
    def budget_us(tables: Tables) -> int | None:
        return tables.stopping[KEY]["budget_us"]

    own = a_task(kind="k", stop_within_seconds=2.5).started().cancel_requested()
    handler_s = a_task(kind="k").started().cancel_requested()

    assert budget_us(after(own, k=9.0)) == 2.5 * SECOND_US
    assert budget_us(after(handler_s, k=9.0)) == 9 * SECOND_US
    assert budget_us(after(handler_s)) is None
    assert over_budget_at_us(after(own).stopping[KEY]) == START_US + 5.5 * SECOND_US


def test_a_handler_s_budget_may_become_known_while_the_stop_lives() -> None:
    own = after(a_task(kind="k", stop_within_seconds=2.5).started().cancel_requested())
    handler_s = after(a_task(kind="k").started().cancel_requested())

    assert list(budgeted(handler_s, {"another": 9.0})) == []
    [(key, row)] = budgeted(handler_s, {"k": 9.0})
    assert (key, row, row["budget_us"]) == (KEY, handler_s.stopping[KEY], 9 * SECOND_US)
    assert list(budgeted(handler_s, {"k": 3.0})) == [], "the first one known is meant"
    assert list(budgeted(own, {"k": 9.0})) == []


def test_an_overrun_is_counted_once_it_is_noted() -> None:
    asked = a_task(stop_within_seconds=1).started().cancel_requested(grace_seconds=30).later(5)
    noted = after(asked.overran(1.0).repeated())

    assert seen(noted)["windows"]["1m"]["overran"] == 1
    assert over_budget_at_us(noted.stopping[KEY]) is None


def test_a_stop_whose_overrun_nobody_said_tells_so() -> None:
    asked = a_task(stop_within_seconds=1).started().cancel_requested(grace_seconds=30).later(5)
    tables = Tables()

    late = [
        change.stopped.late
        for entry in entries(asked.cancelled())
        for change in enter(tables, entry)
        if change.stopped is not None
    ]

    assert [row and row["task_id"] for row in late] == ["task"]


def test_deadlines_are_counted_until_they_can_not_end_anything() -> None:
    def due(history: History, seconds: float) -> list[int]:
        shown = seen(after(history), seconds)["deadlines"]
        return [shown["due"], *shown["within"].values()]

    in_a_minute = START.replace(minute=START.minute + 1)
    task = a_task(deadline=in_a_minute)

    assert due(task, 30) == [0, 1, 1, 1]
    assert due(task, 61) == [1, 0, 0, 0]
    assert due(task.started().completed(), 61) == [0, 0, 0, 0]
    assert due(task.started().cancel_requested(), 61) == [0, 0, 0, 0]


def test_kinds_beyond_the_limit_are_counted_together() -> None:
    tables = Tables()
    for number in range(GROUPS_LIMIT + 3):
        for entry in entries(a_task(kind=f"kind-{number}").cancel_requested()):
            enter(tables, entry)

    assert len(tables.groups) == GROUPS_LIMIT + 1
    assert any(group.kind == OTHERS for group in tables.groups)


def test_an_executor_is_alive_draining_lost_or_gone() -> None:
    def row(draining: bool = False, ended: bool = False) -> str | None:
        made = executor_row(
            executor="x", region="local", running=2, draining=draining, ended=ended,
            lease_seconds=60, budgets_seconds={"k": 2.0}, heard_us=START_US,
        )  # fmt: skip
        return made and state(made, START_US + 59 * SECOND_US)

    assert [row(), row(draining=True), row(ended=True)] == ["alive", "draining", None]


def test_of_two_budgets_of_a_handler_the_tighter_counts() -> None:
    rows = [
        executor_row(
            executor=name, region="local", running=0, draining=False, ended=False,
            lease_seconds=60, budgets_seconds={"k": seconds}, heard_us=START_US,
        )
        for name, seconds in (("x", 5.0), ("y", 2.0))
    ]  # fmt: skip

    assert budgets(row for row in rows if row) == {"k": 2.0}
