"""Requests that this region has taken for another one to decide."""

from events.cancel_events import CancelRequested
from events.project_events import ProjectCreated
from events.task_events import TaskSubmitted
from events.words import Evidence, Reason, Status, Verdict
from tests.builders import a_project, a_task, nothing_yet
from tests.builders.actors import USER

EFFECTIVE = (Verdict.EFFECTIVE, None)
NOTED = (Verdict.NOTED, None)
WRONG_REGION = (Verdict.VOID, Reason.WRONG_REGION)
A_CANCEL, A_SUBMISSION = CancelRequested(actor=USER), TaskSubmitted(actor=USER, kind="k")


def test_a_request_for_another_region_is_noted_and_decides_nothing() -> None:
    history = nothing_yet().addressed(A_CANCEL)

    assert history.said == NOTED
    assert history.root.tombstones == {}
    assert history.root.home is None
    assert not history.root.live


def test_a_cancel_sent_elsewhere_leaves_the_id_to_whoever_submits_it() -> None:
    history = nothing_yet().addressed(A_CANCEL).submitted()

    assert history.said == EFFECTIVE
    assert history.status is Status.PENDING


def test_what_was_sent_elsewhere_to_begin_there_does_not_begin_here() -> None:
    sent = nothing_yet().addressed(A_SUBMISSION, home="mars")

    assert sent.root.home == "mars"
    assert sent.submitted().said == WRONG_REGION
    assert sent.created().said == WRONG_REGION
    assert sent.cancel_requested(hold_seconds=60).said == WRONG_REGION
    assert nothing_yet().addressed(ProjectCreated(actor=USER)).submitted().said == WRONG_REGION


def test_more_may_be_sent_after_it() -> None:
    history = nothing_yet().addressed(A_SUBMISSION).addressed(A_CANCEL).repeated()

    assert history.said == NOTED
    assert history.addressed(A_SUBMISSION, home="venus").root.home == "mars"


def test_what_is_decided_here_is_not_sent_elsewhere() -> None:
    assert a_task().addressed(A_CANCEL).said == WRONG_REGION
    assert a_task().addressed(A_SUBMISSION).started().status is Status.RUNNING
    assert a_project().addressed(A_CANCEL).said == WRONG_REGION


def test_a_held_cancel_does_not_keep_a_submission_from_being_sent() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60).addressed(A_SUBMISSION)

    assert history.said == NOTED
    assert a_task().cancel_requested().task.evidence is Evidence.NEVER_STARTED
