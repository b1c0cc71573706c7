"""Cancels: what they do at once, what follows, and that nothing undoes them."""

import pytest

from events.words import Evidence, Mode, Origin, Reason, Status, Verdict
from tests.builders import History, a_project, a_task
from tests.builders.actors import run_of

EFFECTIVE = (Verdict.EFFECTIVE, None)
NOTED = (Verdict.NOTED, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def in_force(history: History) -> tuple[Mode, float | None]:
    cancel = history.task.cancel
    assert cancel is not None
    return cancel.mode, cancel.grace_seconds


def test_a_pending_task_is_cancelled_at_once_and_never_starts() -> None:
    history = a_task().cancel_requested()

    assert history.said == EFFECTIVE
    assert (history.status, history.task.evidence) == (Status.CANCELLED, Evidence.NEVER_STARTED)
    assert history.task.finished_at == history.now
    assert history.root.unfinished == 0
    assert history.started().said == void(Reason.NOT_PENDING)


def test_a_running_task_is_cancelling_until_its_run_has_stopped() -> None:
    history = a_task().started().cancel_requested(origin=Origin.DEADLINE)

    assert history.said == EFFECTIVE
    assert (history.status, history.task.evidence) == (Status.CANCELLING, None)
    cancel = history.task.cancel
    assert cancel is not None
    assert (cancel.id, cancel.subject, cancel.origin) == (
        history.cancel_id,
        "task",
        Origin.DEADLINE,
    )
    assert (cancel.requested_at, cancel.reason) == (history.now, "no longer needed")
    assert cancel.actor.id == "ada"
    assert history.root.unfinished == 1


def test_a_waiting_task_is_cancelled_like_a_running_one() -> None:
    assert a_task().started().waiting().cancel_requested().status is Status.CANCELLING


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence.ACKNOWLEDGED,
        Evidence.EXITED,
        Evidence.KILLED,
        Evidence.REMOTE_ACKNOWLEDGED,
        Evidence.NEVER_STARTED,
    ],
)
def test_a_stopped_run_makes_it_cancelled_with_its_evidence(evidence: Evidence) -> None:
    asked = a_task().started().cancel_requested()

    for history in (asked.cancelled(evidence), asked.released(evidence)):
        assert history.said == EFFECTIVE
        assert (history.status, history.task.evidence) == (Status.CANCELLED, evidence)
        assert history.task.finished_at == history.now
        assert history.task.attempt == 1


def test_a_task_without_a_cancel_is_not_cancelled_by_its_executor() -> None:
    history = a_task().started().cancelled()

    assert history.said == void(Reason.NOT_CANCELLING)
    assert history.status is Status.RUNNING
    assert a_task().started().waiting().cancelled().said == void(Reason.NOT_CANCELLING)


def test_of_a_cancel_and_a_completion_the_first_in_the_log_wins() -> None:
    running = a_task().started()

    cancelled = running.cancel_requested().completed("late result")
    assert cancelled.said == EFFECTIVE
    assert (cancelled.status, cancelled.task.evidence) == (Status.CANCELLED, Evidence.RAN_TO_END)
    assert cancelled.task.result == "late result"

    completed = running.completed().later(2).cancel_requested()
    assert completed.said == void(Reason.ALREADY_FINISHED)
    assert completed.last.late_seconds == 3
    assert completed.status is Status.SUCCEEDED


def test_a_run_that_fails_while_it_is_being_cancelled_ran_to_its_end() -> None:
    history = a_task(max_attempts=5).started().cancel_requested().failed("interrupted")

    assert (history.status, history.task.evidence) == (Status.CANCELLED, Evidence.RAN_TO_END)
    assert (history.task.error, history.task.error_type) == ("interrupted", "error")
    assert history.task.failures == 0


def test_a_run_that_is_lost_while_it_is_being_cancelled_is_presumed_dead() -> None:
    history = a_task(max_attempts=5).started().cancel_requested().lost()

    assert history.said == EFFECTIVE
    assert (history.status, history.task.evidence) == (Status.CANCELLED, Evidence.PRESUMED)
    assert (history.task.failures, history.task.contradicted) == (0, False)


@pytest.mark.parametrize(
    "word",
    [
        "attached",
        "waiting",
        "cancel_observed",
        "cancel_unconfirmed",
        "cancelled",
        "completed",
        "failed",
        "adopted",
    ],
)
def test_a_sign_of_life_after_presumed_is_noted_and_contradicts_it(word: str) -> None:
    presumed = a_task().started().cancel_requested().lost()

    history: History = getattr(presumed, word)()

    assert history.said == (Verdict.NOTED, Reason.AFTER_PRESUMED)
    assert history.task == presumed.task._replace(contradicted=True)


def test_after_presumed_only_killed_confirms_it() -> None:
    presumed = a_task().started().cancel_requested().lost()

    for confirmed in (presumed.cancelled(Evidence.KILLED), presumed.released(Evidence.KILLED)):
        assert confirmed.said == (Verdict.NOTED, Reason.AFTER_PRESUMED)
        assert confirmed.task == presumed.task
    for lived_on in (presumed.cancelled(Evidence.EXITED), presumed.released(Evidence.EXITED)):
        assert lived_on.said == (Verdict.NOTED, Reason.AFTER_PRESUMED)
        assert lived_on.task.contradicted


def test_the_watchdog_does_not_contradict_itself() -> None:
    history = a_task().started().cancel_requested().lost().repeated()

    assert history.said == void(Reason.ALREADY_FINISHED)
    assert history.task.contradicted is False


def test_observing_and_not_confirming_are_noted() -> None:
    asked = a_task().started().cancel_requested()

    for history in (asked.cancel_observed(), asked.cancel_unconfirmed()):
        assert history.said == NOTED
        assert history.task == asked.task
    assert asked.cancelled().cancel_observed().said == NOTED


def test_nothing_is_observed_before_it_is_asked() -> None:
    running = a_task().started()

    assert running.cancel_observed().said == void(Reason.NOT_CANCELLING)
    assert running.cancel_unconfirmed().said == void(Reason.NOT_CANCELLING)
    assert running.completed().cancel_observed().said == void(Reason.NOT_CANCELLING)


def test_a_repeated_cancel_is_a_duplicate_also_after_the_end() -> None:
    asked = a_task().started().cancel_requested()

    assert asked.repeated().said == void(Reason.DUPLICATE)
    assert asked.cancelled().repeated(2).said == void(Reason.DUPLICATE)
    assert a_task().cancel_requested().repeated().said == void(Reason.DUPLICATE)


def test_a_second_cancel_that_asks_for_no_more_is_void() -> None:
    asked = a_task(grace_seconds=10).started().cancel_requested()

    assert asked.cancel_requested().said == void(Reason.ALREADY_CANCELLING)
    assert asked.cancel_requested(grace_seconds=10).said == void(Reason.ALREADY_CANCELLING)
    assert asked.cancel_requested(grace_seconds=60).said == void(Reason.ALREADY_CANCELLING)


def test_a_second_cancel_may_shorten_the_grace() -> None:
    asked = a_task(grace_seconds=10).started().cancel_requested()
    assert in_force(asked) == (Mode.GRACEFUL, 10)

    tighter = asked.cancel_requested(grace_seconds=9)

    assert tighter.said == EFFECTIVE
    assert tighter.status is Status.CANCELLING
    assert in_force(tighter) == (Mode.GRACEFUL, 9)
    assert tighter.repeated(2).said == void(Reason.ALREADY_CANCELLING)


def test_a_second_cancel_that_names_no_grace_asks_for_the_task_s_own() -> None:
    asked = a_task(grace_seconds=10).started().cancel_requested(grace_seconds=60)

    own = asked.cancel_requested()

    assert own.said == EFFECTIVE
    assert in_force(own) == (Mode.GRACEFUL, 10)


def test_force_is_tighter_than_any_grace_and_nothing_is_tighter_than_force() -> None:
    forced = a_task().started().cancel_requested(grace_seconds=0).cancel_requested(Mode.FORCE)

    assert forced.said == EFFECTIVE
    assert in_force(forced)[0] is Mode.FORCE
    assert forced.cancel_requested(grace_seconds=0).said == void(Reason.ALREADY_CANCELLING)
    again = forced.cancel_requested(Mode.FORCE, grace_seconds=0)
    assert again.said == void(Reason.ALREADY_CANCELLING)


def test_a_tightened_cancel_was_asked_for_when_the_first_one_was() -> None:
    asked = a_task().started().cancel_requested()
    tighter = asked.later(30).cancel_requested(Mode.FORCE)

    assert tighter.task.cancel is not None
    assert tighter.task.cancel.requested_at == asked.now
    assert tighter.task.cancel.id == tighter.cancel_id != asked.cancel_id


def test_a_cancel_that_expired_on_its_way_is_void() -> None:
    running = a_task().started()

    assert running.cancel_requested(expires_in_seconds=0).said == EFFECTIVE
    expired = running.cancel_requested(expires_in_seconds=-1)
    assert expired.said == void(Reason.EXPIRED)
    assert expired.status is Status.RUNNING


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_cancel_that_comes_too_late_is_told_by_how_much(end: str) -> None:
    ended: History = getattr(a_task().started(), end)()

    history = ended.later(59).cancel_requested()

    assert history.said == void(Reason.ALREADY_FINISHED)
    assert history.last.late_seconds == 60


def test_a_cancel_of_what_is_cancelled_is_late_too() -> None:
    history = a_task().cancel_requested().cancel_requested(Mode.FORCE)

    assert history.said == void(Reason.ALREADY_FINISHED)
    assert history.last.late_seconds == 1


def test_a_task_that_is_not_there_cannot_be_cancelled_without_a_hold() -> None:
    history = a_project().of("a").cancel_requested()

    assert history.said == void(Reason.UNKNOWN_TASK)
    assert history.root.tombstones == {}


def test_a_closing_fact_is_noted_once_after_a_cancel_of_what_never_started() -> None:
    history = a_task().cancel_requested().closed()

    assert history.said == (Verdict.NOTED, Reason.CLOSES_HISTORY)
    assert history.task.closed
    assert history.status is Status.CANCELLED
    assert history.closed().said == void(Reason.DUPLICATE)


def test_nothing_else_is_closed() -> None:
    assert a_task().closed().said == void(Reason.NOT_CANCELLING)
    asked = a_task().started().cancel_requested()
    assert asked.closed().said == void(Reason.NOT_CANCELLING)
    assert asked.status is Status.CANCELLING
    assert asked.cancelled().closed().said == void(Reason.NOT_CANCELLING)


def test_a_run_is_stopped_by_its_own_id_only() -> None:
    asked = a_task().started().cancel_requested()

    history = asked.cancelled(run_id=run_of("task", 7))

    assert history.said == void(Reason.NOT_CURRENT_RUN)
    assert history.status is Status.CANCELLING


def test_what_is_said_to_an_executor_is_noted_and_changes_nothing() -> None:
    history = a_task().started().steered()
    assert history.said == NOTED
    assert history.status is Status.RUNNING


def test_a_denied_cancel_is_noted_and_changes_nothing() -> None:
    history = a_task().started().cancel_denied()

    assert history.said == NOTED
    assert history.status is Status.RUNNING


def test_a_refused_request_stays_refused_whatever_has_changed_since() -> None:
    history = a_project().of("a").cancel_requested()
    refused = len(history.events) - 1
    assert history.said == void(Reason.UNKNOWN_TASK)

    history = history.submitted(project="project").repeated(refused)

    assert history.said == void(Reason.DUPLICATE)
    assert history.status is Status.PENDING


REFUSED: dict[str, History] = {
    "TaskSubmitted": a_task().submitted(),
    "CancelRequested": a_task().started().completed().cancel_requested(),
    "TaskSkipped": a_task().skipped(),
    "TaskRetried": a_task().retried(),
    "TaskResumed": a_task().resumed(),
    "ProjectCreated": a_task().created(),
    "ProjectPlanned": a_task().planned(1),
    "ProjectApproved": a_task().approved(),
    "ProjectPaused": a_task().paused(),
    "ProjectResumed": a_task().unpaused(),
    "ProjectCancelRequested": a_task().project_cancel_requested(),
}


@pytest.mark.parametrize("request_type", REFUSED)
def test_every_kind_of_request_is_remembered_when_it_was_void(request_type: str) -> None:
    history = REFUSED[request_type]
    assert type(history.events[-1].data).__name__ == request_type
    assert history.verdict is Verdict.VOID

    assert list(history.repeated().root.refused) == [history.events[-1].id]
    assert history.repeated().said == void(Reason.DUPLICATE)


def test_a_refused_fact_is_not_remembered() -> None:
    """It names its run, so nothing it could be repeated for can come."""
    history = a_task().started().cancelled()

    assert history.said == void(Reason.NOT_CANCELLING)
    assert history.root.refused == {}


def test_a_duplicate_is_not_remembered_as_refused() -> None:
    assert a_task().repeated().root.refused == {}
