"""Roots that move from one region to another."""

from events.cancel_events import CancelRequested
from events.region_events import RootHandedOver
from events.task_events import TaskSubmitted
from events.words import Evidence, Reason, Status, Verdict
from tests.builders import a_project, a_task, nothing_yet
from tests.builders.actors import USER

EFFECTIVE = (Verdict.EFFECTIVE, None)
NOTED = (Verdict.NOTED, None)
DUPLICATE = (Verdict.VOID, Reason.DUPLICATE)
MOVED = (Verdict.VOID, Reason.MOVED)
NOT_MOVABLE = (Verdict.VOID, Reason.NOT_MOVABLE)
WRONG_REGION = (Verdict.VOID, Reason.WRONG_REGION)
A_CANCEL = CancelRequested(actor=USER)
ASKED_FOR = RootHandedOver(actor=USER, to="here")


def test_what_was_handed_over_is_decided_elsewhere() -> None:
    away = a_task().handed_over("mars")

    assert away.said == EFFECTIVE
    assert (away.status, away.root.home, away.root.moves) == (Status.MOVED, "mars", 1)
    assert away.task.finished_at == away.now
    assert not away.root.live
    assert away.started().said == MOVED
    assert away.cancel_requested().said == MOVED
    assert away.with_child("more").said == MOVED
    assert away.handed_over("venus").said == MOVED
    assert away.addressed(A_CANCEL).said == NOTED


def test_it_may_start_where_it_was_taken_over() -> None:
    here = nothing_yet().addressed(ASKED_FOR, home="mars").taken_over("mars", labels={"a": "b"})

    assert here.said == EFFECTIVE
    assert (here.status, here.root.home, here.root.moves) == (Status.PENDING, None, 1)
    assert here.task.spec.labels == {"a": "b"}
    assert here.started().status is Status.RUNNING


def test_it_comes_back() -> None:
    away = a_task().handed_over("mars")
    back = away.taken_over("mars", move=2)

    assert back.said == EFFECTIVE
    assert (back.status, back.task.finished_at, back.root.home) == (Status.PENDING, None, None)
    assert back.task.created_at == away.task.created_at
    assert back.started().completed().status is Status.SUCCEEDED
    assert back.handed_over("venus").root.moves == 3


def test_the_same_order_does_nothing_after_the_root_has_come_back() -> None:
    away = a_task().handed_over("mars")
    back = away.taken_over("mars", move=2)
    again = RootHandedOver(actor=USER, to="mars", move=3, task=away.task.spec)

    repeated = back.then(again, id=away.events[-1].id)

    assert repeated.said == DUPLICATE
    assert repeated.status is Status.PENDING


def test_what_is_carried_again_does_not_bring_it_back() -> None:
    here = nothing_yet().addressed(ASKED_FOR).taken_over(move=1)

    assert here.repeated().said == DUPLICATE
    away = here.handed_over("venus")
    assert away.repeated(-2).said == DUPLICATE
    assert away.repeated(-2).root.home == "venus"


def test_what_was_asked_for_finds_nothing_in_its_way() -> None:
    asked = nothing_yet().addressed(ASKED_FOR, home="mars")

    assert asked.root.home == "mars"
    assert asked.submitted().said == WRONG_REGION
    assert asked.cancel_requested(hold_seconds=60).said == WRONG_REGION
    assert a_task().addressed(ASKED_FOR).said == WRONG_REGION


def test_it_is_asked_of_one_region() -> None:
    asked = nothing_yet().addressed(ASKED_FOR, home="mars")

    assert asked.addressed(ASKED_FOR, home="mars").said == NOTED
    assert asked.addressed(ASKED_FOR, home="venus").said == WRONG_REGION
    assert asked.addressed(A_CANCEL, home="venus").said == NOTED


def test_what_is_decided_here_is_not_taken_over() -> None:
    assert a_task().taken_over().said == (Verdict.VOID, Reason.ID_TAKEN)
    assert a_project().taken_over().said == (Verdict.VOID, Reason.ID_TAKEN)


def test_a_cancel_that_came_before_the_root_keeps_it_from_starting() -> None:
    held = nothing_yet().cancel_requested(hold_seconds=60).addressed(ASKED_FOR)

    here = held.taken_over()

    assert here.said == EFFECTIVE
    assert (here.status, here.task.evidence) == (Status.CANCELLED, Evidence.NEVER_STARTED)
    assert held.later(60).taken_over().status is Status.PENDING


def test_of_a_cancel_and_a_move_the_first_counts() -> None:
    late = a_task().cancel_requested().handed_over()

    assert late.said == (Verdict.VOID, Reason.ALREADY_FINISHED)
    assert (late.status, late.root.home) == (Status.CANCELLED, None)


def test_what_runs_stays() -> None:
    running = a_task().started()

    assert running.handed_over().said == (Verdict.VOID, Reason.NOT_PENDING)
    assert nothing_yet().handed_over().said == (Verdict.VOID, Reason.UNKNOWN_TASK)
    assert a_project().handed_over().said == (Verdict.VOID, Reason.UNKNOWN_TASK)


def test_what_has_run_stays() -> None:
    assert a_task().started().released().handed_over().said == NOT_MOVABLE
    assert a_task(max_attempts=2).started().failed().handed_over().said == NOT_MOVABLE


def test_what_has_something_below_it_stays() -> None:
    family = a_task().with_child("part").of("task")

    assert family.handed_over().said == NOT_MOVABLE
    assert a_project("only").of("only").handed_over().said == NOT_MOVABLE


def test_what_a_cancel_below_is_held_for_stays() -> None:
    held = a_task().of("task.part").cancel_requested(hold_seconds=60).of("task")

    assert held.later(58).handed_over().said == NOT_MOVABLE
    assert held.later(59).handed_over().said == EFFECTIVE


def test_what_has_secrets_stays() -> None:
    sealed = a_task(secrets_ciphertext="gAAA", secrets_key_id="key-1")

    assert sealed.handed_over().said == NOT_MOVABLE


def test_what_is_handed_over_is_what_there_is() -> None:
    other = TaskSubmitted(actor=USER, kind="another")

    assert a_task().handed_over(task=other).said == NOT_MOVABLE
    assert a_task().handed_over(move=2).said == NOT_MOVABLE
    assert a_task().then(ASKED_FOR).said == NOT_MOVABLE


def test_an_order_that_was_refused_stays_refused() -> None:
    refused = a_task().handed_over(move=2)
    again = RootHandedOver(actor=USER, to="mars", move=1, task=refused.task.spec)

    assert refused.then(again, id=refused.events[-1].id).said == DUPLICATE
