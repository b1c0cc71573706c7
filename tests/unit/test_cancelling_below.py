"""A cancel of what has something below it, or above it: whom it reaches, and how."""

from events.words import Mode, Status
from tests.builders import a_task
from tests.unit.test_cancelling import EFFECTIVE, in_force


def test_a_cancel_reaches_everything_below() -> None:
    family = a_task("t").started().with_child("c").started().with_child("d").of("t.c")
    family = family.with_child("e").of("t").with_child("f").started().completed()

    history = family.of("t").cancel_requested()

    assert history.said == EFFECTIVE
    assert {task.id: task.status for task in history.root.tasks.values()} == {
        "t": Status.CANCELLING,
        "t.c": Status.CANCELLING,
        "t.c.d": Status.CANCELLED,
        "t.c.e": Status.CANCELLED,
        "t.f": Status.SUCCEEDED,
    }
    assert history.root.unfinished == 2
    child = history.of("t.c").task.cancel
    assert child is not None
    assert (child.id, child.subject) == (history.cancel_id, "t")


def test_a_cancel_reaches_what_is_alive_below_what_has_ended() -> None:
    family = a_task("t").started().with_child("c").started().with_child("d").started()

    history = family.of("t.c").completed().of("t").cancel_requested()

    assert history.status_of("t.c") is Status.SUCCEEDED
    assert history.status_of("t.c.d") is Status.CANCELLING


def test_a_cancel_below_leaves_what_is_above_alone() -> None:
    history = a_task("t").started().with_child("c").started().cancel_requested()

    assert history.status is Status.CANCELLING
    assert history.status_of("t") is Status.RUNNING


def test_each_task_below_keeps_its_own_grace_unless_the_cancel_names_one() -> None:
    family = a_task("t", grace_seconds=10).started().with_child("c", grace_seconds=90).started()

    own = family.of("t").cancel_requested()
    assert in_force(own) == (Mode.GRACEFUL, 10)
    assert in_force(own.of("t.c")) == (Mode.GRACEFUL, 90)

    named = family.of("t").cancel_requested(grace_seconds=30)
    assert in_force(named) == in_force(named.of("t.c")) == (Mode.GRACEFUL, 30)


def test_a_cancel_above_does_not_loosen_a_tighter_one_below() -> None:
    family = a_task("t").started().with_child("c").started().cancel_requested(Mode.FORCE)
    forced = family.task

    history = family.of("t").cancel_requested()

    assert history.status is Status.CANCELLING
    assert history.of("t.c").task == forced


def test_a_cancel_above_leaves_what_is_cancelled_below_as_it_is() -> None:
    family = a_task("t").started().with_child("c").cancel_requested()

    history = family.of("t").cancel_requested()

    assert history.said == EFFECTIVE
    assert history.of("t.c").task == family.task


def test_tightening_above_tightens_below() -> None:
    family = a_task("t").started().with_child("c").started().of("t").cancel_requested()

    history = family.cancel_requested(Mode.FORCE)

    assert in_force(history.of("t.c"))[0] is Mode.FORCE
