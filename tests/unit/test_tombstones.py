"""Cancels that come ahead of their task."""

from uuid import UUID

from events.state import REFUSALS_REMEMBERED, TOMBSTONES_HELD
from events.words import Evidence, Reason, Status, Verdict
from tests.builders import History, a_project, a_task, nothing_yet

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_cancel_is_held_for_a_task_that_is_not_there_yet() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60)

    assert history.said == EFFECTIVE
    held = history.root.tombstones["task"]
    assert (held.cancel.id, held.cancel.reason) == (history.cancel_id, "no longer needed")
    assert held.hold_until == history.events[-1].data.hold_until  # type: ignore[union-attr]
    assert not history.root.live


def test_a_task_that_comes_within_the_hold_never_starts() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60).later(58).submitted()

    assert (history.status, history.task.evidence) == (Status.CANCELLED, Evidence.NEVER_STARTED)


def test_a_task_that_comes_when_the_hold_has_ended_is_pending() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60).later(59).submitted()

    assert history.said == EFFECTIVE
    assert history.status is Status.PENDING
    assert history.root.tombstones == {}


def test_a_hold_that_has_ended_is_over_also_when_its_request_comes_again() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60).later(60).submitted().started()

    history = history.repeated(0)

    assert history.said == void(Reason.DUPLICATE)
    assert history.status is Status.RUNNING


def test_a_repeated_hold_is_a_duplicate() -> None:
    held = nothing_yet().cancel_requested(hold_seconds=60)

    assert held.repeated().said == void(Reason.DUPLICATE)
    assert held.submitted().repeated(0).said == void(Reason.DUPLICATE)


def test_a_hold_may_be_prolonged_but_not_shortened() -> None:
    held = nothing_yet().cancel_requested(hold_seconds=60)

    assert held.cancel_requested(hold_seconds=59).said == void(Reason.ALREADY_CANCELLING)
    assert held.cancel_requested(hold_seconds=58).said == void(Reason.ALREADY_CANCELLING)
    longer = held.cancel_requested(hold_seconds=60)
    assert longer.said == EFFECTIVE
    assert longer.root.tombstones["task"].cancel.id == longer.cancel_id
    assert longer.later(58).submitted().status is Status.CANCELLED


def test_a_prolonged_hold_is_over_also_when_its_first_request_comes_again() -> None:
    held = nothing_yet().cancel_requested(hold_seconds=10).cancel_requested(hold_seconds=20)
    history = held.later(60).submitted().started()

    assert history.repeated(0).said == void(Reason.DUPLICATE)
    assert history.repeated(1).said == void(Reason.DUPLICATE)
    assert history.repeated(1).status is Status.RUNNING


def test_a_hold_that_is_over_when_it_comes_is_void() -> None:
    assert nothing_yet().cancel_requested(hold_seconds=0).said == void(Reason.EXPIRED)
    assert nothing_yet().cancel_requested(hold_seconds=-1).said == void(Reason.EXPIRED)


def test_a_held_cancel_that_expired_on_its_way_is_void() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60, expires_in_seconds=-1)

    assert history.said == void(Reason.EXPIRED)
    assert history.root.tombstones == {}


def test_a_project_is_no_task_to_hold_a_cancel_for() -> None:
    history = a_project(subject="p").of("p").cancel_requested(hold_seconds=60)

    assert history.said == void(Reason.UNKNOWN_TASK)


def test_a_cancel_is_held_for_a_task_of_a_project() -> None:
    history = a_project().of("a").cancel_requested(hold_seconds=60)
    assert history.said == EFFECTIVE

    history = history.with_task("a").with_task("b")

    assert (history.status_of("a"), history.status_of("b")) == (Status.CANCELLED, Status.PENDING)
    assert (history.project.arrived, history.project.unfinished) == (2, 1)


def test_a_hold_on_a_known_task_cancels_it_now() -> None:
    history = a_task().cancel_requested(hold_seconds=60)

    assert history.status is Status.CANCELLED
    assert history.root.tombstones == {}


def many_held(hold_seconds: float) -> History:
    """As many as one root takes, all at the same time."""
    history = History("project", a_project().events)
    for number in range(TOMBSTONES_HELD):
        held = history.of(f"t{number}").cancel_requested(hold_seconds=hold_seconds)
        history = History(held.subject, (*history.events, held.events[-1]))
    return history


def test_a_root_holds_so_many_and_no_more() -> None:
    held = many_held(hold_seconds=60)
    assert len(held.root.tombstones) == TOMBSTONES_HELD

    assert held.of("more").cancel_requested(hold_seconds=60).said == void(Reason.TOO_MANY_HELD)
    assert held.of("t0").cancel_requested(hold_seconds=70).said == EFFECTIVE
    assert held.with_task("t0").of("more").cancel_requested(hold_seconds=9).said == EFFECTIVE


def test_holds_that_have_ended_make_room() -> None:
    held = many_held(hold_seconds=60)
    one_second_before = held.later(59).of("more").cancel_requested(hold_seconds=60)
    assert one_second_before.said == void(Reason.TOO_MANY_HELD)

    history = held.later(60).of("more").cancel_requested(hold_seconds=60)

    assert history.said == EFFECTIVE
    assert list(history.root.tombstones) == ["project.more"]
    again = history.with_task("t3").repeated(4)
    assert again.said == void(Reason.DUPLICATE)
    assert again.status_of("t3") is Status.PENDING


def test_refusals_are_remembered_up_to_a_limit() -> None:
    history = a_project().of("a").cancel_requested()
    event = history.events[-1]
    requests = [
        event.model_copy(update={"id": UUID(int=number)}) for number in range(REFUSALS_REMEMBERED)
    ]

    full = History("project.a", (*history.events[:-1], *requests))
    assert len(full.root.refused) == REFUSALS_REMEMBERED
    assert full.with_task("a").repeated(1).said == void(Reason.DUPLICATE)

    one_more = History("project.a", (*history.events[:-1], *requests, event)).with_task("a")
    assert len(one_more.root.refused) == REFUSALS_REMEMBERED
    assert one_more.repeated(2).said == void(Reason.DUPLICATE)
    assert one_more.repeated(1).said == EFFECTIVE
