"""Cancellation budgets: that a stop took too long counts once, and only where it is true."""

from events.words import Evidence, Reason, Status, Verdict
from tests.builders import a_task
from tests.builders.actors import run_of


def test_a_stop_that_takes_longer_than_its_budget_is_noted() -> None:
    it = a_task().started().cancel_requested(grace_seconds=30).later(5).overran(5.0)

    assert it.said == (Verdict.NOTED, None)
    assert it.task.overran
    assert it.task.status is Status.CANCELLING


def test_it_is_noted_once() -> None:
    it = a_task().started().cancel_requested(grace_seconds=30).later(5).overran(5.0).overran(5.0)

    assert it.said == (Verdict.VOID, Reason.DUPLICATE)


def test_before_its_time_it_is_void() -> None:
    it = a_task().started().cancel_requested(grace_seconds=30).overran(60.0)

    assert it.said == (Verdict.VOID, Reason.TOO_EARLY)
    assert not it.task.overran


def test_it_is_noted_also_when_it_comes_after_the_stop_that_was_late() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30).later(5)
    it = asked.cancelled(Evidence.EXITED).overran(5.0)

    assert it.said == (Verdict.NOTED, None)
    assert it.task.status is Status.CANCELLED


def test_a_stop_within_its_budget_can_not_be_called_late() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30)
    it = asked.cancelled(Evidence.EXITED).later(60).overran(5.0)

    assert it.said == (Verdict.VOID, Reason.ALREADY_FINISHED)


def test_a_tightened_cancel_counts_from_when_it_was_first_asked_for() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30).later(5)
    it = asked.cancel_requested(grace_seconds=1).overran(5.0)

    assert it.said == (Verdict.NOTED, None)


def test_it_is_about_the_run_that_is_being_stopped() -> None:
    assert a_task().started().overran(0.0).reason is Reason.NOT_CANCELLING
    assert a_task().overran(0.0).reason is Reason.NOT_CURRENT_RUN


def test_a_stop_in_the_last_moment_is_within_its_budget() -> None:
    asked = a_task().started().cancel_requested(grace_seconds=30)

    assert asked.overran(1.0).said == (Verdict.NOTED, None)
    assert asked.cancelled().overran(1.0).reason is Reason.ALREADY_FINISHED


def test_a_budget_beyond_all_time_is_never_overrun() -> None:
    it = a_task().started().cancel_requested().later(86_400).overran(366 * 86_400.0)

    assert it.reason is Reason.TOO_EARLY


def test_another_run_s_overrun_is_not_this_one_s() -> None:
    zombie = run_of("task", 1)
    again = a_task().started().released().started().cancel_requested().later(9)

    assert again.overran(1.0, run_id=zombie).reason is Reason.NOT_CURRENT_RUN
