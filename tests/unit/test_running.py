"""What a run may do, and what its executor's word is worth."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from events.words import Evidence, Reason, Status, Verdict
from tests.builders import History, a_task, folding, nothing_yet
from tests.builders.actors import START, run_of

EFFECTIVE = (Verdict.EFFECTIVE, None)

SAID_BY_A_RUN: dict[str, Callable[[History], History]] = {
    "attached": lambda history: history.attached(),
    "adopted": lambda history: history.adopted(),
    "waiting": lambda history: history.waiting(),
    "cancel observed": lambda history: history.cancel_observed(),
    "cancel unconfirmed": lambda history: history.cancel_unconfirmed(),
    "cancelled": lambda history: history.cancelled(),
    "completed": lambda history: history.completed(),
    "failed": lambda history: history.failed(),
    "released": lambda history: history.released(),
    "lost": lambda history: history.lost(),
}


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_completed_run_ends_its_task_with_the_result() -> None:
    history = a_task().started().completed({"rows": 12})

    assert history.said == EFFECTIVE
    assert (history.status, history.task.result) == (Status.SUCCEEDED, {"rows": 12})
    assert history.task.finished_at == history.now
    assert history.root.unfinished == 0
    assert not history.root.live


def test_a_success_wipes_the_error_of_an_earlier_attempt() -> None:
    history = a_task(max_attempts=2).started().failed().later(60).started().completed()

    assert history.status is Status.SUCCEEDED
    assert (history.task.error, history.task.error_type) == (None, None)
    assert history.task.failures == 1


def test_a_failed_run_is_tried_again_below_the_maximum() -> None:
    history = a_task(max_attempts=2).started().failed("no disk")

    assert history.said == EFFECTIVE
    task = history.task
    assert (task.status, task.attempt, task.failures) == (Status.PENDING, 2, 1)
    assert (task.run, task.finished_at, task.error) == (None, None, "no disk")
    assert history.root.live


def test_the_last_failure_ends_the_task() -> None:
    history = a_task(max_attempts=2).started().failed().later(60).started().failed("again")

    assert history.said == EFFECTIVE
    assert (history.status, history.task.attempt, history.task.failures) == (Status.FAILED, 2, 2)
    assert (history.task.error, history.task.error_type) == ("again", "error")
    assert history.task.finished_at == history.now


def test_a_permanent_failure_ends_the_task_at_once() -> None:
    history = a_task(max_attempts=5).started().failed(permanent=True)

    assert (history.status, history.task.attempt) == (Status.FAILED, 1)


@pytest.mark.parametrize(("failures", "wait_seconds"), [(1, 2.0), (2, 4.0), (3, 8.0), (4, 10.0)])
def test_each_failure_waits_twice_as_long_up_to_the_limit(
    failures: int, wait_seconds: float
) -> None:
    history = a_task(max_attempts=9, backoff_seconds=2.0, backoff_limit_seconds=10.0)
    for _ in range(failures):
        history = history.later(60).started().failed()

    assert history.task.not_before == history.now + timedelta(seconds=wait_seconds)
    assert history.started().said == void(Reason.TOO_EARLY)


def test_a_backoff_beyond_the_end_of_time_ends_with_it() -> None:
    history = nothing_yet().later((datetime.max.replace(tzinfo=UTC) - START).total_seconds() - 10)
    history = history.submitted(max_attempts=2, backoff_seconds=300.0).started().failed()

    assert history.task.not_before == datetime.max.replace(tzinfo=UTC)


def test_very_many_failures_overflow_nothing() -> None:
    history = a_task(max_attempts=2**31).started()
    failed = history.failed()
    history.root.tasks["task"] = history.task._replace(failures=5000)

    outcome = folding.the_fold.evolve(history.root, failed.events[-1])

    assert outcome.tasks[0].failures == 5001
    assert outcome.tasks[0].not_before == failed.now + timedelta(seconds=300)


def test_a_released_run_is_tried_again_without_counting_as_a_failure() -> None:
    history = a_task(max_attempts=1).started().released()

    assert history.said == EFFECTIVE
    task = history.task
    assert (task.status, task.attempt, task.failures) == (Status.PENDING, 2, 0)
    assert (task.run, task.not_before, task.evidence) == (None, None, None)


def test_a_lost_run_counts_as_a_failure() -> None:
    tried_again = a_task(max_attempts=2).started().lost()
    assert tried_again.said == EFFECTIVE
    assert (tried_again.status, tried_again.task.failures) == (Status.PENDING, 1)
    assert tried_again.task.not_before is not None

    ended = a_task(max_attempts=1).started().lost()
    assert (ended.status, ended.task.error_type) == (Status.FAILED, "run_lost")


def test_a_remote_run_is_never_lost() -> None:
    history = a_task().started(remote=True).lost()

    assert history.said == void(Reason.NOT_LOSABLE)
    assert history.status is Status.RUNNING


def test_only_the_executor_that_has_the_run_can_lose_it() -> None:
    history = a_task().started(by="x").lost(executor="y")

    assert history.said == void(Reason.NOT_LOSABLE)
    assert history.status is Status.RUNNING


def test_a_run_is_lost_once() -> None:
    history = a_task(max_attempts=2).started().lost()

    assert history.repeated().said == void(Reason.NOT_CURRENT_RUN)
    ended = a_task().started().lost().repeated()
    assert ended.said == void(Reason.ALREADY_FINISHED)
    assert ended.last.late_seconds == 0


@pytest.mark.parametrize("word", SAID_BY_A_RUN)
def test_a_zombie_s_word_counts_for_nothing(word: str) -> None:
    """Its run was released, and another one has the task."""
    zombie = run_of("task", 1, "executor-1")
    current = a_task().started().released().started(by="executor-2")
    say: dict[str, Callable[[], History]] = {
        "attached": lambda: current.attached(run_id=zombie),
        "adopted": lambda: current.adopted(run_id=zombie),
        "waiting": lambda: current.waiting(run_id=zombie),
        "cancel observed": lambda: current.cancel_observed(run_id=zombie),
        "cancel unconfirmed": lambda: current.cancel_unconfirmed(run_id=zombie),
        "cancelled": lambda: current.cancelled(run_id=zombie),
        "completed": lambda: current.completed(run_id=zombie),
        "failed": lambda: current.failed(run_id=zombie),
        "released": lambda: current.released(run_id=zombie),
        "lost": lambda: current.lost(run_id=zombie),
    }

    history = say[word]()

    assert history.said == void(Reason.NOT_CURRENT_RUN)
    assert history.task == current.task


@pytest.mark.parametrize("word", SAID_BY_A_RUN)
def test_nobody_speaks_for_a_task_that_has_no_run(word: str) -> None:
    assert SAID_BY_A_RUN[word](a_task()).said == void(Reason.NOT_CURRENT_RUN)
    assert SAID_BY_A_RUN[word](nothing_yet()).said == void(Reason.UNKNOWN_TASK)


@pytest.mark.parametrize(
    "word", ["attached", "adopted", "waiting", "cancelled", "completed", "failed", "released"]
)
def test_a_run_has_nothing_more_to_say_once_its_task_has_ended(word: str) -> None:
    ended = a_task().started().completed().later(4)

    history = SAID_BY_A_RUN[word](ended)

    assert history.said == void(Reason.ALREADY_FINISHED)
    assert history.last.late_seconds == 5
    assert history.task == ended.task


def test_a_clock_that_goes_backwards_makes_nobody_early() -> None:
    history = a_task().started().completed().later(-60).completed()

    assert history.last.late_seconds == 0


def test_the_first_handle_of_a_run_is_noted_and_stays() -> None:
    history = a_task().started(remote=True).attached("job-1")
    assert history.said == (Verdict.NOTED, None)
    assert history.task.run is not None
    assert history.task.run.handle == {"id": "job-1"}

    for late in (history.repeated(), history.attached("job-2")):
        assert late.said == void(Reason.DUPLICATE)
        assert late.task == history.task


def test_a_handle_is_noted_also_while_its_run_is_being_cancelled() -> None:
    history = a_task().started(remote=True).cancel_requested().attached()

    assert history.verdict is Verdict.NOTED
    assert history.status is Status.CANCELLING
    assert history.task.run is not None
    assert history.task.run.handle == {"id": "job-1"}


def test_an_adopted_run_stays_the_same_run() -> None:
    before = a_task().started(by="x", remote=True).attached()
    history = before.adopted(by="y")

    assert history.said == EFFECTIVE
    assert history.status is Status.RUNNING
    assert before.task.run is not None
    assert history.task.run == before.task.run._replace(executor="y", adoptions=1)
    assert history.completed().status is Status.SUCCEEDED


def test_a_local_run_is_not_adopted() -> None:
    assert a_task().started(by="x").adopted(by="y").said == void(Reason.NOT_REMOTE)


def test_of_two_adopters_the_first_in_the_log_has_the_run() -> None:
    history = a_task().started(by="x", remote=True).adopted(by="y")

    history = history.adopted(by="z", adoption=1, from_executor="x")

    assert history.said == void(Reason.WRONG_COUNTER)
    assert history.task.run is not None
    assert history.task.run.executor == "y"


def test_a_late_adoption_does_not_undo_a_later_one() -> None:
    history = a_task().started(by="x", remote=True).adopted(by="y").adopted(by="x")
    assert history.said == EFFECTIVE

    history = history.repeated(2)

    assert history.said == void(Reason.WRONG_COUNTER)
    assert history.task.run is not None
    assert history.task.run.executor == "x"


def test_an_adopter_names_the_executor_that_is_gone() -> None:
    history = a_task().started(by="x", remote=True).adopted(by="z", from_executor="y")

    assert history.said == void(Reason.WRONG_COUNTER)


def test_a_run_may_be_adopted_while_it_is_being_cancelled() -> None:
    history = a_task().started(by="x", remote=True).cancel_requested().adopted(by="y")

    assert history.said == EFFECTIVE
    assert history.status is Status.CANCELLING
    ended = history.cancelled(Evidence.REMOTE_ACKNOWLEDGED)
    assert ended.task.evidence is Evidence.REMOTE_ACKNOWLEDGED


def test_output_in_the_history_is_noted_and_changes_nothing() -> None:
    history = a_task().started()

    for more in (history.progressed(), history.gave_output()):
        assert more.said == (Verdict.NOTED, None)
        assert more.task == history.task
