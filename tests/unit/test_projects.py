"""A project's life: planned, approved, paused, cancelled, and completed by its tasks."""

import pytest

from events.words import Evidence, Mode, Origin, ProjectStatus, Reason, Status, Verdict
from tests.builders import History, a_project, a_task, an_executing_project, nothing_yet

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_project_begins_with_planning() -> None:
    history = nothing_yet("p").created(title="Migrate", labels={"team": "blue"})

    assert history.said == EFFECTIVE
    assert history.project_status is ProjectStatus.PLANNING
    assert (history.project.id, history.project.spec.title) == ("p", "Migrate")
    assert (history.project.plan, history.project.planned_tasks) == (0, 0)
    assert history.root.live


def test_a_repeated_creation_is_a_duplicate_and_another_one_finds_the_id_taken() -> None:
    history = a_project("a")

    assert history.repeated(0).said == void(Reason.DUPLICATE)
    assert history.created(title="another").said == void(Reason.ID_TAKEN)


def test_a_project_does_not_take_the_id_of_a_task() -> None:
    assert a_task("t").created().said == void(Reason.ID_TAKEN)


def test_a_project_is_a_root() -> None:
    history = nothing_yet("p")
    below = history.created().events[0].data

    assert history.then(below, subject="p.q").said == void(Reason.ID_TAKEN)


def test_a_plan_says_how_many_tasks_there_are() -> None:
    history = a_project("a").planned(3)

    assert history.said == EFFECTIVE
    project = history.project
    assert (project.status, project.plan, project.planned_tasks) == (ProjectStatus.PLANNED, 1, 3)
    assert not project.complete
    assert history.with_task("b").with_task("c").project.complete


def test_a_plan_has_room_for_the_tasks_that_are_there() -> None:
    assert a_project("a", "b").planned(1).said == void(Reason.WRONG_COUNTER)
    assert a_project("a", "b").planned(2).said == EFFECTIVE


def test_a_plan_may_be_replaced_until_it_is_approved() -> None:
    history = a_project("a").planned(1).planned(2)
    assert history.said == EFFECTIVE
    assert (history.project.plan, history.project.planned_tasks) == (2, 2)

    assert history.repeated(2).said == void(Reason.WRONG_COUNTER)
    assert history.planned(2, plan=4).said == void(Reason.WRONG_COUNTER)
    assert history.approved().planned(3).said == void(Reason.WRONG_PROJECT_STATUS)


def test_an_approval_names_the_plan_it_approves() -> None:
    history = a_project("a").planned(1).planned(1)

    assert history.approved(plan=1).said == void(Reason.WRONG_COUNTER)
    approved = history.approved(plan=2)
    assert approved.said == EFFECTIVE
    assert approved.project_status is ProjectStatus.EXECUTING
    assert approved.project.started_at == approved.now


def test_nothing_is_approved_that_was_not_planned() -> None:
    assert a_project("a").approved(plan=1).said == void(Reason.WRONG_PROJECT_STATUS)


def test_a_project_is_approved_once() -> None:
    assert an_executing_project("a").repeated().said == void(Reason.WRONG_PROJECT_STATUS)


def test_a_pause_and_its_end_name_the_same_number() -> None:
    executing = an_executing_project("a")
    assert executing.paused(2).said == void(Reason.WRONG_COUNTER)
    paused = executing.paused(1)
    assert paused.said == EFFECTIVE
    assert (paused.project_status, paused.project.pauses) == (ProjectStatus.PAUSED, 1)
    assert paused.paused(2).said == void(Reason.WRONG_PROJECT_STATUS)
    assert paused.unpaused(2).said == void(Reason.WRONG_COUNTER)

    resumed = paused.unpaused(1)
    assert resumed.said == EFFECTIVE
    assert resumed.project_status is ProjectStatus.EXECUTING
    assert resumed.repeated(-2).said == void(Reason.WRONG_COUNTER)
    again = resumed.paused(2)
    assert again.repeated(-2).said == void(Reason.WRONG_COUNTER)
    assert again.project_status is ProjectStatus.PAUSED


@pytest.mark.parametrize("status", ["planning", "planned", "completed", "cancelled"])
def test_only_what_executes_is_paused_and_only_what_is_paused_resumes(status: str) -> None:
    projects = {
        "planning": a_project("a"),
        "planned": a_project("a").planned(),
        "completed": an_executing_project("a").of("a").started().completed(),
        "cancelled": an_executing_project("a").project_cancel_requested(),
    }
    assert projects[status].project_status == ProjectStatus(status)

    assert projects[status].paused(1).said == void(Reason.WRONG_PROJECT_STATUS)
    assert projects[status].unpaused(1).said == void(Reason.WRONG_PROJECT_STATUS)
    assert an_executing_project("a").unpaused(1).said == void(Reason.WRONG_PROJECT_STATUS)


def test_what_runs_goes_on_during_a_pause() -> None:
    history = an_executing_project("a", "b").of("a").started().paused()

    assert history.completed().said == EFFECTIVE


def test_what_is_asked_of_a_project_that_is_not_there_is_void() -> None:
    nowhere = nothing_yet("p")

    for history in (
        nowhere.planned(1),
        nowhere.approved(),
        nowhere.paused(),
        nowhere.unpaused(),
        nowhere.project_cancel_requested(),
        a_task("t").planned(1),
        a_task("t").project_cancel_requested(),
    ):
        assert history.said == void(Reason.UNKNOWN_PROJECT)


def test_a_task_of_a_project_is_no_project() -> None:
    project = a_project("a", subject="p")

    for history in (project.planned(1), project.project_cancel_requested()):
        body = history.events[-1].data
        assert project.then(body, subject="p.a").said == void(Reason.UNKNOWN_PROJECT)


def test_a_project_is_complete_when_all_its_tasks_are_done() -> None:
    one_left = an_executing_project("a", "b").of("a").started().completed()
    assert one_left.project_status is ProjectStatus.EXECUTING
    assert (one_left.project.unfinished, one_left.project.active) == (1, 0)

    history = one_left.of("b").started().completed()

    assert history.said == EFFECTIVE
    assert history.project_status is ProjectStatus.COMPLETED
    assert history.project.finished_at == history.now
    assert not history.root.live


def test_skipped_and_cancelled_tasks_are_done_too() -> None:
    project = an_executing_project("a", "b").of("a")

    assert project.skipped().of("b").cancel_requested().project_status is ProjectStatus.COMPLETED
    cancelled = project.skipped().of("b").started().cancel_requested()
    assert cancelled.project_status is ProjectStatus.EXECUTING
    assert cancelled.cancelled().project_status is ProjectStatus.COMPLETED


def test_a_failed_task_keeps_its_project_open() -> None:
    failed = an_executing_project("a").of("a").started().failed()
    assert failed.project_status is ProjectStatus.EXECUTING
    assert (failed.project.unfinished, failed.project.failed) == (0, 1)

    assert failed.skipped().project_status is ProjectStatus.COMPLETED
    assert failed.retried().started().completed().project_status is ProjectStatus.COMPLETED


def test_a_paused_project_may_complete() -> None:
    history = an_executing_project("a").of("a").started().paused().completed()

    assert history.project_status is ProjectStatus.COMPLETED


def test_a_project_waits_for_tasks_that_are_planned_but_not_there() -> None:
    history = a_project("a").planned(2).approved().of("a").skipped()
    assert history.project_status is ProjectStatus.EXECUTING

    history = history.with_task("b").skipped()

    assert history.project_status is ProjectStatus.COMPLETED


def test_a_project_does_not_complete_before_it_is_approved() -> None:
    planned = a_project("a").planned().of("a").skipped()
    assert planned.project_status is ProjectStatus.PLANNED

    assert planned.approved().project_status is ProjectStatus.COMPLETED
    assert a_project().planned(0).approved().project_status is ProjectStatus.COMPLETED


def test_a_project_waits_for_children_too() -> None:
    project = an_executing_project("a").of("a").started().with_child("c").started()
    parent_done = project.of("a").completed()
    assert parent_done.project_status is ProjectStatus.EXECUTING

    assert parent_done.of("a.c").completed().project_status is ProjectStatus.COMPLETED
    child_failed = parent_done.of("a.c").failed()
    assert child_failed.project_status is ProjectStatus.EXECUTING
    assert child_failed.skipped().project_status is ProjectStatus.COMPLETED


def test_a_cancelled_project_stops_what_runs_skips_the_rest_and_keeps_what_is_done() -> None:
    project = an_executing_project("run", "rest", "wait", "done", "broken")
    project = project.of("run").started().of("wait").started().waiting()
    project = project.of("done").started().completed().of("broken").started().failed()

    history = project.project_cancel_requested()

    assert history.said == EFFECTIVE
    assert {task.id: task.status for task in history.root.tasks.values()} == {
        "project.run": Status.CANCELLING,
        "project.rest": Status.SKIPPED,
        "project.wait": Status.CANCELLING,
        "project.done": Status.SUCCEEDED,
        "project.broken": Status.FAILED,
    }
    assert history.project_status is ProjectStatus.CANCELLING
    assert (history.project.unfinished, history.project.active) == (2, 2)
    rest = history.of("rest").task
    assert rest.cancel is not None
    assert (rest.cancel.id, rest.cancel.origin) == (history.cancel_id, Origin.REQUEST)
    assert (rest.evidence, rest.finished_at) == (None, history.now)


def test_a_project_is_cancelled_when_its_last_run_has_ended() -> None:
    project = an_executing_project("a", "b").of("a").started().of("b").started()
    asked = project.project_cancel_requested()

    one_left = asked.of("a").cancelled(Evidence.KILLED)
    assert one_left.project_status is ProjectStatus.CANCELLING

    for last in (one_left.of("b").completed(), one_left.of("b").released()):
        assert last.said == EFFECTIVE
        assert last.status is Status.CANCELLED
        assert last.project_status is ProjectStatus.CANCELLED
        assert last.project.finished_at == last.now
        assert not last.root.live


@pytest.mark.parametrize("status", ["planning", "planned", "executing", "paused"])
def test_a_project_without_runs_is_cancelled_at_once(status: str) -> None:
    projects = {
        "planning": a_project("a"),
        "planned": a_project("a").planned(),
        "executing": an_executing_project("a"),
        "paused": an_executing_project("a").paused(),
    }

    history = projects[status].project_cancel_requested()

    assert history.project_status is ProjectStatus.CANCELLED
    assert history.status_of("a") is Status.SKIPPED
    assert history.project.finished_at == history.now


def test_children_of_a_cancelled_project_s_tasks_stop_too() -> None:
    project = an_executing_project("a").of("a").started().with_child("c").started()
    project = project.of("a").with_child("d")

    history = project.project_cancel_requested()

    assert history.status_of("a.c") is Status.CANCELLING
    assert history.status_of("a.d") is Status.SKIPPED


def grace(history: History) -> float | None:
    assert history.task.cancel is not None
    return history.task.cancel.grace_seconds


def test_each_run_has_its_own_grace_unless_the_cancel_names_one() -> None:
    project = a_project().with_task("a", grace_seconds=5).with_task("b", grace_seconds=90)
    project = project.planned().approved().of("a").started().of("b").started()

    own = project.project_cancel_requested()
    assert (grace(own.of("a")), grace(own.of("b"))) == (5, 90)
    named = project.project_cancel_requested(grace_seconds=30)
    assert (grace(named.of("a")), grace(named.of("b"))) == (30, 30)


def test_a_project_s_cancel_may_be_tightened_and_is_remembered_from_its_first_request() -> None:
    project = an_executing_project("a").of("a").started()
    asked = project.project_cancel_requested()
    assert asked.project_cancel_requested().said == void(Reason.ALREADY_CANCELLING)

    tighter = asked.later(30).project_cancel_requested(grace_seconds=3)
    assert tighter.said == EFFECTIVE
    assert grace(tighter) == 3
    looser = tighter.project_cancel_requested(grace_seconds=4)
    assert looser.said == void(Reason.ALREADY_CANCELLING)
    forced = tighter.project_cancel_requested(Mode.FORCE)
    assert forced.said == EFFECTIVE
    assert forced.task.cancel is not None
    assert forced.project.cancel is not None
    assert forced.task.cancel.mode is forced.project.cancel.mode is Mode.FORCE
    assert forced.task.cancel.requested_at == forced.project.cancel.requested_at == asked.now
    assert forced.project_cancel_requested(Mode.FORCE).said == void(Reason.ALREADY_CANCELLING)


def test_a_repeated_project_cancel_is_a_duplicate_also_after_the_end() -> None:
    asked = an_executing_project("a").of("a").started().project_cancel_requested()
    number = len(asked.events) - 1

    assert asked.repeated(number).said == void(Reason.DUPLICATE)
    assert asked.cancelled().repeated(number).said == void(Reason.DUPLICATE)


def test_a_project_that_has_ended_is_not_cancelled() -> None:
    completed = an_executing_project("a").of("a").started().completed()

    history = completed.later(9).project_cancel_requested()

    assert history.said == void(Reason.ALREADY_FINISHED)
    assert history.last.late_seconds == 10
    assert history.project_status is ProjectStatus.COMPLETED


def test_a_note_about_a_task_leaves_the_project_as_it_is() -> None:
    history = an_executing_project("a").of("a").started(remote=True).attached()

    assert history.verdict is Verdict.NOTED
    assert history.last.project is None


def test_a_cancel_of_one_task_of_a_project_concerns_that_one_only() -> None:
    history = an_executing_project("a", "b").of("a").started().cancel_requested()

    assert history.status_of("b") is Status.PENDING
    assert history.project_status is ProjectStatus.EXECUTING
    assert history.project.cancel is None
