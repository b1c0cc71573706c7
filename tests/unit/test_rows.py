"""The rows that entries make: pure, in the order of the tables' columns, each event once."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from events.event import Event, encode
from events.log import Record
from events.positions import Position
from projections import tables, upserts
from projections.batch import Batch, folded
from projections.checkpoint import digest_of
from projections.entry import unread
from projections.moments import moment, us
from projections.place import cut, is_place, place, position
from tests.builders import History, a_project, a_task, an_executing_project, nothing_yet
from tests.builders.actors import ORGANIZATION
from tests.recorded import judged, records


def rows_of(*histories: History, from_us: int = 0) -> Batch:
    events = [event for history in histories for event in history.events]
    return folded({}, judged(told(events, from_us)))


def told(events: list[Event], from_us: int = 0) -> list[Record]:
    return [
        Record(Position(0, offset), encode(event), from_us + offset)
        for offset, event in enumerate(events)
    ]


def named(table: object, row: tuple[object, ...]) -> dict[str, object]:
    columns = [column.name for column in table.columns]  # type: ignore[attr-defined]
    return dict(zip(columns, row, strict=True))


def task_row(batch: Batch, id: str) -> dict[str, object]:
    (row,) = (row for row in batch.task_status() if row[:2] == (ORGANIZATION, id))
    return named(tables.task_status, row)


def lines(batch: Batch) -> list[dict[str, object]]:
    return [named(tables.history, row) for row in batch.history]


def test_every_row_has_a_cell_for_every_column() -> None:
    batch = folded({}, judged(records(50, 1500)))
    rows = {
        tables.history: batch.history,
        tables.history_below: batch.history_below,
        tables.changes_below: batch.changes_below,
        tables.task_status: batch.task_status(),
        tables.task_labels: batch.task_labels,
        tables.projects: [*batch.projects.values()],
        tables.project_changes: batch.project_changes,
        tables.cancellations: [*batch.cancellations.values()],
        tables.roots: [*batch.roots.values()],
    }
    for table, made in rows.items():
        assert made, f"the log says nothing for {table.name}"
        assert {len(row) for row in made} == {len(table.columns)}, table.name


def test_a_line_says_what_its_event_did_and_how_its_subject_is_then() -> None:
    batch = rows_of(a_task("t").started().completed().cancel_requested())
    submitted, started, completed, late = lines(batch)
    assert [line["verdict"] for line in lines(batch)] == ["effective"] * 3 + ["void"]
    assert [line["status"] for line in lines(batch)] == [
        "pending",
        "running",
        "succeeded",
        "succeeded",
    ]
    assert submitted["actor_id"] == "ada"
    assert started["run_id"] is not None
    assert completed["finished_us"] == completed["time_us"]
    assert (late["reason"], late["late_seconds"]) == ("already_finished", 1.0)


def test_a_malformed_record_has_a_line_and_no_organization() -> None:
    batch = folded({}, judged([Record(Position(0, 0), b"\xff", 7)]))
    (line,) = lines(batch)
    assert (line["verdict"], line["reason"], line["value"]) == ("void", "malformed", b"\xff")
    assert line["organization"] is None
    assert line["trouble"]


def test_a_task_that_changes_often_is_written_once_as_it_ended() -> None:
    history = a_task("t", labels={"a": "b"}, max_attempts=2, backoff_seconds=0)
    batch = rows_of(history.started().failed().started().completed({"x": 1}))
    row = task_row(batch, "t")
    assert len(batch.task_status()) == 1
    assert (row["status"], row["attempt"], row["submitted"], row["changed"]) == (
        "succeeded",
        2,
        0,
        4,
    )
    assert batch.task_labels == [(ORGANIZATION, "a", "b", row["created_us"], "t")]


def test_a_cancel_from_above_gives_each_task_below_a_line_of_its_own() -> None:
    project = an_executing_project("a", "b").of("a").started().project_cancel_requested()
    batch = rows_of(project)
    changes = [named(tables.changes_below, row) for row in batch.changes_below]
    status = {(row["place"], row["variant"]): row["status"] for row in changes}
    below = [named(tables.history_below, row) for row in batch.history_below]
    assert {row["id"]: status[row["place"], row["variant"]] for row in below} == {
        "project.a": "cancelling",
        "project.b": "skipped",
    }
    assert {row["place"] for row in below} == {len(project.events) - 1}
    assert sorted(id for _, id in batch.cancellations) == ["project", "project.a"]


def test_tasks_that_are_left_alike_are_told_of_once() -> None:
    names = [f"t{number}" for number in range(50)]
    project = an_executing_project(*names).of("t7").started().project_cancel_requested()
    entries = judged(told(list(project.events)))
    before = folded({}, entries[:-1])
    batch = folded(before.checkpoints, entries[-1:])
    assert len(batch.history_below) == 50
    assert len(batch.changes_below) == 2
    assert sorted(len(each.ids) for each in batch.alike) == [1, 49]
    assert batch.task_status() == []


def test_when_a_grace_ends_is_said_by_the_request_that_set_it() -> None:
    history = a_task("t").started().cancel_requested(grace_seconds=30.0)
    tightened = history.cancel_requested(grace_seconds=5.0).cancel_observed().cancelled()
    (row,) = rows_of(tightened).cancellations.values()
    stop = named(tables.cancellations, row)
    assert stop["requested_us"] == us(tightened.events[2].time)
    assert stop["due_us"] == us(tightened.events[3].time) + 5_000_000
    assert stop["stopped_us"] == us(tightened.events[-1].time)
    assert stop["evidence"] == "acknowledged"


def test_observed_is_the_first_time_and_unconfirmed_the_last() -> None:
    history = a_task("t").started().cancel_requested()
    often = history.cancel_observed().cancel_observed().cancel_unconfirmed().cancel_unconfirmed()
    batch = rows_of(often)
    times = [us(event.time) for event in often.events]
    assert batch.observed == {(ORGANIZATION, "t"): times[3]}
    assert batch.unconfirmed == {(ORGANIZATION, "t"): times[6]}


def test_what_a_batch_says_of_one_stop_is_one_row() -> None:
    stop = a_task("t").started().cancel_requested().cancel_observed().cancel_unconfirmed()
    times = [us(event.time) for event in stop.events]
    rows = rows_of(stop.cancelled()).rows()
    assert rows.observed == rows.unconfirmed == []
    (row,) = (named(tables.cancellations, cells) for cells in rows.cancellations)
    assert (row["observed_us"], row["unconfirmed_us"]) == (times[3], times[4])
    assert row["evidence"] == "acknowledged"


def test_roots_are_told_once_they_begin_to_live_or_end() -> None:
    batch = rows_of(a_task("t"), a_task("d").started().completed(), nothing_yet("n").started())
    assert batch.roots == {
        "acme/t": ("acme/t", 0, 1),
        "acme/d": ("acme/d", 1, 0),
        "acme/n": ("acme/n", 4, 0),
    }


def test_the_latest_append_time_never_goes_back_and_the_digest_is_the_last_records() -> None:
    events = list(a_task("t").started().completed().events)
    times = (10, 30, 20)
    entries = judged(
        [record._replace(appended_at_us=at) for record, at in zip(told(events), times, strict=True)]
    )
    batch = folded({}, entries)
    assert [line["latest_us"] for line in lines(batch)] == [10, 30, 30]
    checkpoint = batch.checkpoints[0]
    assert (checkpoint.next_offset, checkpoint.latest_us) == (3, 30)
    assert checkpoint.digest == digest_of(encode(events[-1]))


def test_records_that_were_read_already_are_passed_over() -> None:
    one, two, three = told(list(a_task("t").started().completed().events))
    assert list(unread([one, one, two, one, three], {0: 1})) == [two, three]


def test_a_projects_row_counts_what_is_below_it() -> None:
    batch = rows_of(a_project("a", "b"))
    row = named(tables.projects, batch.projects[ORGANIZATION, "project"])
    assert (row["arrived"], row["unfinished"], row["created"], row["changed"]) == (2, 2, 0, 2)
    assert len(batch.project_changes) == 3


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**47 - 1))
def test_a_place_is_a_position(partition: int, offset: int) -> None:
    here = Position(partition, offset)
    assert position(place(here)) == here
    assert place(here) < 2**63
    assert cut({partition: offset}, partition) == place(here)
    assert is_place(here)


@pytest.mark.parametrize("bad", [(0, -1), (-1, 0), (0, 2**47), (2**16, 0)])
def test_what_no_record_can_have_is_no_place(bad: tuple[int, int]) -> None:
    assert not is_place(Position(*bad))


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])))
def test_a_moment_is_kept_to_the_microsecond(then: datetime) -> None:
    try:
        expected = then.astimezone(UTC)
    except OverflowError:
        expected = datetime.min.replace(tzinfo=UTC)
    assert moment(us(then)) == expected


def test_statements_change_what_the_tables_say_and_nothing_else() -> None:
    for url, placeholder in (("sqlite://", "?"), ("postgresql+psycopg://", "%s")):
        into = upserts.written_for(create_engine(url).dialect, placeholder)
        assert into.history.text(2).count(placeholder) == 2 * len(tables.history.columns)
        assert "ON CONFLICT" not in into.history.tail, "a record that comes twice is an error"
        assert into.task_status.tail.startswith(" ON CONFLICT (organization, id) DO UPDATE SET")
        for fixed in ("root", "kind", "created_us", "submitted", "created_by_id"):
            assert f"{fixed} = " not in into.task_status.tail
        for changing in ("status", "result", "changed"):
            assert f"{changing} = excluded.{changing}" in into.task_status.tail
        stop = into.cancellations.tail
        for latest in ("due_us", "unconfirmed_us"):
            assert f"{latest} = coalesce(excluded.{latest}, cancellations.{latest})" in stop
        assert "observed_us = coalesce(cancellations.observed_us, excluded.observed_us)" in stop
