"""A run that waits for somebody's answer, and the answer, which outlives the run."""

from events.words import Reason, Status, Verdict
from tests.builders import a_task
from tests.builders.actors import run_of

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_run_waits_and_goes_on_with_the_answer() -> None:
    waiting = a_task().started().waiting(1)
    assert waiting.said == EFFECTIVE
    assert (waiting.status, waiting.task.waiting_for) == (Status.WAITING, 1)

    resumed = waiting.resumed(1, "go")

    assert resumed.said == EFFECTIVE
    assert (resumed.status, resumed.task.waiting_for) == (Status.RUNNING, None)
    assert (resumed.task.answered, resumed.task.answers) == (1, ("go",))
    assert resumed.task.run == waiting.task.run


def test_waits_are_numbered_from_one_and_none_is_left_out() -> None:
    running = a_task().started()
    assert running.waiting(2).said == void(Reason.WRONG_COUNTER)

    once = running.waiting(1).resumed(1)
    assert once.waiting(3).said == void(Reason.WRONG_COUNTER)
    assert once.waiting(2).said == EFFECTIVE
    assert once.waiting(2).resumed(2, "no").task.answers == ("yes", "no")


def test_a_repeated_wait_is_a_duplicate() -> None:
    waiting = a_task().started().waiting(1)

    assert waiting.waiting(1).said == void(Reason.DUPLICATE)
    assert waiting.waiting(2).said == void(Reason.WRONG_COUNTER)
    assert waiting.resumed(1).repeated(2).said == void(Reason.WRONG_COUNTER)


def test_an_answer_is_taken_once() -> None:
    history = a_task().started().waiting(1).resumed(1, "first")

    assert history.resumed(1, "second").said == void(Reason.NOT_WAITING)
    asked_again = history.waiting(2).repeated(3)
    assert asked_again.said == void(Reason.WRONG_COUNTER)
    assert asked_again.task.answers == ("first",)


def test_an_answer_names_the_wait_it_answers() -> None:
    history = a_task().started().waiting(1).resumed(2)

    assert history.said == void(Reason.WRONG_COUNTER)
    assert history.status is Status.WAITING


def test_nobody_answers_what_was_not_asked() -> None:
    assert a_task().resumed(1).said == void(Reason.NOT_WAITING)
    assert a_task().started().resumed(1).said == void(Reason.NOT_WAITING)
    ended = a_task().started().waiting(1).completed()
    assert ended.resumed(1).said == void(Reason.NOT_WAITING)


def test_an_answer_survives_a_re_run() -> None:
    history = a_task(max_attempts=2).started().waiting(1).resumed(1, "go").failed().later(60)
    assert (history.status, history.task.answers) == (Status.PENDING, ("go",))

    rerun = history.started()

    assert rerun.waiting(1).said == void(Reason.WRONG_COUNTER)
    assert rerun.waiting(2).said == EFFECTIVE
    assert rerun.waiting(2).resumed(2).task.answers == ("go", "yes")


def test_a_wait_ends_with_its_run() -> None:
    waiting = a_task(max_attempts=2).started().waiting(1)

    for ended in (waiting.completed(), waiting.failed(), waiting.released(), waiting.lost()):
        assert ended.verdict is Verdict.EFFECTIVE
        assert (ended.task.waiting_for, ended.task.answered) == (None, 0)
        assert ended.resumed(1).said == void(Reason.NOT_WAITING)


def test_the_last_failure_leaves_no_wait_behind() -> None:
    failed = a_task().started().waiting(1).failed()

    assert (failed.status, failed.task.waiting_for) == (Status.FAILED, None)


def test_a_new_run_asks_again_what_was_not_answered() -> None:
    history = a_task().started().waiting(1).released().started(by="executor-2").waiting(1)

    assert history.said == EFFECTIVE
    assert history.run_id == run_of("task", 2, "executor-2")


def test_a_run_that_is_being_cancelled_neither_waits_nor_goes_on() -> None:
    asked = a_task().started().waiting(1).cancel_requested()
    assert (asked.status, asked.task.waiting_for) == (Status.CANCELLING, None)
    assert asked.resumed(1).said == void(Reason.NOT_WAITING)

    running = a_task().started().cancel_requested()
    assert running.waiting(1).said == void(Reason.ALREADY_CANCELLING)
