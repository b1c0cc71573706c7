"""Leaving a task out, and trying a failed one once more."""

import pytest

from events.words import ProjectStatus, Reason, Status, Verdict
from tests.builders import History, a_project, a_task, an_executing_project

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_pending_task_of_a_project_may_be_left_out() -> None:
    history = a_project("a").of("a").skipped()

    assert history.said == EFFECTIVE
    assert history.status is Status.SKIPPED
    assert history.task.finished_at == history.now
    assert history.task.evidence is None
    assert history.project.unfinished == 0


def test_a_failed_task_of_a_live_project_may_be_left_out() -> None:
    history = an_executing_project("a", "b").of("a").started().failed().skipped()

    assert history.said == EFFECTIVE
    assert history.status is Status.SKIPPED
    assert history.project.failed == 0


def test_a_task_alone_is_not_left_out() -> None:
    assert a_task().skipped().said == void(Reason.UNKNOWN_PROJECT)


@pytest.mark.parametrize("status", ["running", "waiting", "cancelling", "succeeded", "cancelled"])
def test_what_runs_or_has_its_outcome_is_not_left_out(status: str) -> None:
    started = an_executing_project("a", "b").of("a").started()
    histories = {
        "running": started,
        "waiting": started.waiting(),
        "cancelling": started.cancel_requested(),
        "succeeded": started.completed(),
        "cancelled": an_executing_project("a", "b").of("a").cancel_requested(),
    }
    assert histories[status].status == Status(status)

    assert histories[status].skipped().said == void(Reason.NOT_SKIPPABLE)


def test_what_is_left_out_names_the_attempt_so_that_late_duplicates_skip_nothing() -> None:
    history = an_executing_project("a").of("a").started().released()

    assert history.skipped(attempt=1).said == void(Reason.WRONG_ATTEMPT)
    assert history.skipped(attempt=3).said == void(Reason.WRONG_ATTEMPT)
    assert history.skipped(attempt=2).said == EFFECTIVE


def test_a_task_is_left_out_once() -> None:
    history = a_project("a", "b").of("a").skipped()

    assert history.repeated().said == void(Reason.NOT_SKIPPABLE)


def test_nothing_is_left_out_of_a_project_that_has_ended() -> None:
    cancelled = an_executing_project("a", "b").of("a").started().failed().project_cancel_requested()
    assert cancelled.project_status is ProjectStatus.CANCELLED

    assert cancelled.skipped().said == void(Reason.ABOVE_FINISHED)
    assert cancelled.status is Status.FAILED


def test_a_failed_task_may_be_tried_once_more() -> None:
    history = a_task().started().failed("no disk").retried()

    assert history.said == EFFECTIVE
    task = history.task
    assert (task.status, task.attempt, task.failures) == (Status.PENDING, 2, 1)
    assert (task.run, task.finished_at, task.not_before) == (None, None, None)
    assert history.root.unfinished == 1
    assert history.started().said == EFFECTIVE


def test_a_retried_task_fails_for_good_again() -> None:
    history = a_task(max_attempts=2).started().failed(permanent=True).retried().started().failed()

    assert history.status is Status.FAILED


def test_a_permanent_failure_may_be_retried() -> None:
    assert a_task().started().failed(permanent=True).retried().status is Status.PENDING


@pytest.mark.parametrize(
    "status", ["pending", "running", "cancelling", "succeeded", "cancelled", "skipped"]
)
def test_only_what_failed_is_retried(status: str) -> None:
    project = an_executing_project("a", "b").of("a")
    started = project.started()
    histories = {
        "pending": project,
        "running": started,
        "cancelling": started.cancel_requested(),
        "succeeded": started.completed(),
        "cancelled": project.cancel_requested(),
        "skipped": project.skipped(),
    }
    assert histories[status].status == Status(status)

    history = histories[status].retried()

    assert history.said == void(Reason.NOT_FAILED)
    assert history.status == Status(status)


def test_a_retry_names_the_attempt_that_failed() -> None:
    failed_twice = a_task(max_attempts=2).started().failed().later(60).started().failed()

    assert failed_twice.retried(attempt=1).said == void(Reason.WRONG_ATTEMPT)
    assert failed_twice.retried(attempt=3).said == void(Reason.WRONG_ATTEMPT)


def test_a_late_duplicate_of_a_retry_retries_nothing() -> None:
    history = a_task().started().failed().retried()
    retry = len(history.events) - 1

    assert history.repeated(retry).said == void(Reason.NOT_FAILED)
    failed_again = history.started().failed().repeated(retry)
    assert failed_again.said == void(Reason.WRONG_ATTEMPT)
    assert failed_again.status is Status.FAILED


def ended_above() -> dict[str, History]:
    family = a_task("t").started().with_child("c").started().failed()
    return {
        "completed": family.of("t").completed(),
        "failed": family.of("t").failed(),
        "cancelled": family.of("t").cancel_requested().cancelled(),
        "cancelling": family.of("t").cancel_requested(),
    }


@pytest.mark.parametrize("how", ["completed", "failed", "cancelled", "cancelling"])
def test_nothing_is_retried_below_what_has_ended(how: str) -> None:
    history = ended_above()[how].of("t.c").retried()

    assert history.said == void(Reason.ABOVE_FINISHED)
    assert history.status is Status.FAILED


def test_a_child_is_retried_below_a_parent_that_runs() -> None:
    family = a_task("t").started().with_child("c").started().failed()

    assert family.retried().said == EFFECTIVE


def test_nothing_is_retried_in_a_cancelled_project() -> None:
    history = an_executing_project("a", "b").of("a").started().failed()
    history = history.project_cancel_requested().retried()

    assert history.said == void(Reason.ABOVE_FINISHED)
    assert history.status is Status.FAILED


def test_a_failed_task_is_retried_in_a_live_project() -> None:
    history = an_executing_project("a").of("a").started().failed()
    assert (history.project_status, history.project.failed) == (ProjectStatus.EXECUTING, 1)

    history = history.retried()

    assert history.said == EFFECTIVE
    assert (history.project.failed, history.project.unfinished) == (0, 1)
