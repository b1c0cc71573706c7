"""What may begin, and where."""

import pytest

from events.words import Evidence, ProjectStatus, Reason, Status, Verdict
from tests.builders import a_project, a_task, an_executing_project, nothing_yet
from tests.builders.actors import START, run_of

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_task_begins_pending_at_its_first_attempt() -> None:
    history = a_task(description="count to ten", labels={"team": "blue"})

    assert history.said == EFFECTIVE
    assert (history.status, history.task.attempt, history.task.failures) == (Status.PENDING, 1, 0)
    assert history.task.spec.labels == {"team": "blue"}
    assert history.task.created_at == history.now
    assert history.root.unfinished == 1


def test_a_repeated_submission_is_a_duplicate() -> None:
    history = a_task().started().repeated(0)

    assert history.said == void(Reason.DUPLICATE)
    assert history.status is Status.RUNNING


def test_another_submission_of_a_taken_id_is_void() -> None:
    history = a_task().submitted(kind="other")

    assert history.said == void(Reason.ID_TAKEN)
    assert history.task.spec.kind == "count"


def test_the_id_of_a_finished_task_stays_taken() -> None:
    assert a_task().started().completed().submitted().said == void(Reason.ID_TAKEN)


def test_a_task_does_not_take_the_id_of_a_project() -> None:
    assert a_project(subject="p").of("p").submitted().said == void(Reason.ID_TAKEN)


def test_a_task_that_waits_for_a_time_is_pending_until_then() -> None:
    assert a_task(not_before=START).task.not_before == START


@pytest.mark.parametrize("status", ["planning", "planned", "executing", "paused"])
def test_a_live_project_takes_tasks(status: str) -> None:
    histories = {
        "planning": a_project("a"),
        "planned": a_project("a").planned(2),
        "executing": a_project("a").planned(2).approved(),
        "paused": a_project("a").planned(2).approved().paused(),
    }
    history = histories[status]
    assert history.project_status == ProjectStatus(status)

    history = history.with_task("b")

    assert history.said == EFFECTIVE
    assert (history.project.arrived, history.project.unfinished) == (2, 2)


def test_a_cancelled_project_takes_no_task() -> None:
    history = a_project().project_cancel_requested().with_task("a")

    assert history.said == void(Reason.ABOVE_FINISHED)


def test_a_project_that_is_being_cancelled_takes_no_task() -> None:
    history = a_project("a").planned(2).approved().with_task("b").of("a").started()
    assert history.project_cancel_requested().project_status is ProjectStatus.CANCELLING

    history = history.project_cancel_requested()

    assert history.with_task("c").said == void(Reason.ABOVE_FINISHED)
    assert history.with_child("c").said == void(Reason.ABOVE_FINISHED)


def test_a_completed_project_takes_no_task() -> None:
    history = an_executing_project("a").of("a").started().completed()
    assert history.project_status is ProjectStatus.COMPLETED

    assert history.with_task("b").said == void(Reason.ABOVE_FINISHED)


def test_a_complete_plan_takes_no_further_task() -> None:
    history = a_project("a").planned(1).with_task("b")

    assert history.said == void(Reason.PLAN_IS_FULL)
    assert history.project.arrived == 1


def test_a_task_that_names_the_project_as_its_parent_does_not_pass_by_the_plan() -> None:
    history = a_project("a").planned(1)

    history = history.of("b").submitted(parent="project")

    assert history.said == void(Reason.UNKNOWN_PARENT)
    assert history.project.arrived == 1


def test_a_task_of_a_project_that_is_not_there_is_void() -> None:
    history = nothing_yet("nowhere").with_task("a")

    assert history.said == void(Reason.UNKNOWN_PROJECT)


def test_a_task_of_a_root_that_is_a_task_belongs_to_no_project() -> None:
    assert a_task("alone").with_task("a").said == void(Reason.UNKNOWN_PROJECT)


def test_a_task_says_truly_what_it_is_below() -> None:
    project = a_project("a", subject="p")

    assert project.of("b").submitted().said == void(Reason.UNKNOWN_PARENT)
    assert project.of("a.c").submitted(project="p").said == void(Reason.UNKNOWN_PROJECT)
    assert project.of("a.c").submitted(project="p.a").said == void(Reason.UNKNOWN_PROJECT)
    assert project.of("b").submitted(project="q").said == void(Reason.UNKNOWN_PROJECT)
    both = project.of("a.c").submitted(project="p", parent="p.a")
    assert both.said == void(Reason.UNKNOWN_PROJECT)
    one_too_many = project.of("b").submitted(project="p", parent="p.a")
    assert one_too_many.said == void(Reason.UNKNOWN_PROJECT)
    assert a_task("t").of("t.c").submitted(parent="t.b").said == void(Reason.UNKNOWN_PARENT)


def test_a_child_is_below_its_parent() -> None:
    history = a_task("t").started().with_child("c").with_child("d")

    assert history.subject == "t.c.d"
    assert history.said == EFFECTIVE
    assert history.root.below == {"t": ["t.c"], "t.c": ["t.c.d"]}
    assert history.root.unfinished == 3


def test_a_child_of_nobody_is_void() -> None:
    assert nothing_yet("t").with_child("c").said == void(Reason.UNKNOWN_PARENT)
    assert a_project(subject="p").of("a").with_child("c").said == void(Reason.UNKNOWN_PARENT)


def test_a_parent_that_has_not_started_may_have_children() -> None:
    assert a_task("t").with_child("c").said == EFFECTIVE


def test_no_child_begins_below_what_has_ended() -> None:
    ended = {
        "completed": a_task("t").started().completed(),
        "failed": a_task("t").started().failed(),
        "cancelled": a_task("t").cancel_requested(),
        "cancelling": a_task("t").started().cancel_requested(),
    }

    for history in ended.values():
        assert history.with_child("c").said == void(Reason.ABOVE_FINISHED)


def test_no_grandchild_begins_below_what_has_ended() -> None:
    history = a_task("t").started().with_child("c").started()
    history = history.of("t").completed().of("t.c")
    assert history.status is Status.RUNNING

    assert history.with_child("d").said == void(Reason.ABOVE_FINISHED)


def test_children_of_a_project_s_tasks_count_as_work_but_not_as_the_plan() -> None:
    history = a_project("a").planned(1).approved().of("a").started().with_child("c")

    assert history.said == EFFECTIVE
    assert (history.project.arrived, history.project.unfinished) == (1, 2)
    assert history.project.active == 1


def test_dependencies_stay_within_their_root() -> None:
    project = a_project("a")
    elsewhere = project.of("b").submitted(project="project", depends_on=("other.a",))

    assert elsewhere.said == void(Reason.DEPENDENCY_ELSEWHERE)
    assert project.with_task("b", depends_on=("a", "not-yet-there")).said == EFFECTIVE


def test_a_live_tombstone_ends_the_task_before_it_begins() -> None:
    history = nothing_yet().cancel_requested(hold_seconds=60).submitted()

    assert history.said == EFFECTIVE
    assert (history.status, history.task.evidence) == (Status.CANCELLED, Evidence.NEVER_STARTED)
    assert history.task.cancel is not None
    assert history.task.cancel.id == history.cancel_id
    assert history.task.finished_at == history.now
    assert history.root.tombstones == {}
    assert history.root.unfinished == 0


def test_nothing_starts_for_a_submission_that_was_void() -> None:
    history = a_project().project_cancel_requested().with_task("a").started()

    assert history.said == void(Reason.UNKNOWN_TASK)
    assert run_of("project.a") not in {
        task.run.id for task in history.root.tasks.values() if task.run
    }
