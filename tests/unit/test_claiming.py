"""Who may start a task's code: the first claim in the log, and only when everything is ready."""

from datetime import timedelta

import pytest

from events.rules.running import why_not_claimable
from events.words import ProjectStatus, Reason, Status, Verdict
from tests.builders import History, a_project, a_task, an_executing_project, folding
from tests.builders.actors import run_of

EFFECTIVE = (Verdict.EFFECTIVE, None)


def void(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.VOID, reason


def test_a_claim_makes_the_task_running_by_that_run() -> None:
    history = a_task().started(by="x", remote=True)

    assert history.said == EFFECTIVE
    assert history.status is Status.RUNNING
    assert history.task.started_at == history.now
    run = history.task.run
    assert run is not None
    assert (run.id, run.executor, run.remote) == (run_of("task", 1, "x"), "x", True)


def test_a_task_has_started_when_its_first_run_did() -> None:
    first = a_task().started()

    assert first.released().started(by="y").task.started_at == first.now


def test_of_two_executors_the_first_in_the_log_runs_the_task() -> None:
    history = a_task().started(by="x").started(by="y")

    assert history.said == void(Reason.NOT_PENDING)
    assert history.task.run is not None
    assert history.task.run.executor == "x"


def test_a_repeated_claim_is_a_duplicate_however_late() -> None:
    running = a_task(max_attempts=2).started()

    assert running.repeated().said == void(Reason.DUPLICATE)
    assert running.completed().repeated(1).said == void(Reason.DUPLICATE)
    assert running.failed().repeated(1).said == void(Reason.WRONG_ATTEMPT)
    assert running.failed().repeated(1).status is Status.PENDING


def test_a_claim_of_a_task_that_is_not_there_is_void() -> None:
    assert a_project().of("a").started().said == void(Reason.UNKNOWN_TASK)


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_claim_names_the_attempt(attempt: int) -> None:
    assert a_task().started(attempt=attempt).said == void(Reason.WRONG_ATTEMPT)


def test_only_the_home_region_claims() -> None:
    task = a_task(region="eu")

    assert task.started(region="us").said == void(Reason.WRONG_REGION)
    assert task.started(region="eu").said == EFFECTIVE


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_nothing_claims_what_has_ended(end: str) -> None:
    ended = {
        "completed": a_task().started().completed(),
        "failed": a_task().started().failed(),
        "cancelled": a_task().cancel_requested(),
    }

    assert ended[end].started(by="other").said == void(Reason.NOT_PENDING)


def test_nothing_claims_what_is_being_cancelled() -> None:
    history = a_task().started().cancel_requested().started(by="other")

    assert history.said == void(Reason.NOT_PENDING)
    assert history.status is Status.CANCELLING


def test_a_task_is_not_claimed_before_its_time() -> None:
    task = a_task()
    opens = task.now + timedelta(seconds=100)
    task = a_task(not_before=opens)

    early = task.later(98).started()
    assert early.events[-1].time < opens
    assert early.said == void(Reason.TOO_EARLY)
    on_time = task.later(99).started()
    assert on_time.events[-1].time == opens
    assert on_time.said == EFFECTIVE


@pytest.mark.parametrize("status", ["planning", "planned", "paused"])
def test_a_task_starts_only_while_its_project_executes(status: str) -> None:
    projects = {
        "planning": a_project("a"),
        "planned": a_project("a").planned(),
        "paused": a_project("a").planned().approved().paused(),
    }
    assert projects[status].project_status == ProjectStatus(status)

    assert projects[status].of("a").started().said == void(Reason.PROJECT_NOT_EXECUTING)
    assert projects["paused"].unpaused().of("a").started().said == EFFECTIVE


def test_a_task_starts_only_when_all_tasks_of_the_plan_are_there() -> None:
    project = a_project("a").planned(2).approved()

    assert project.of("a").started().said == void(Reason.PROJECT_INCOMPLETE)
    assert project.with_task("b").of("a").started().said == EFFECTIVE


def dependent(*then: str) -> History:
    """A project whose task b depends on a, which goes this way; from there on about b."""
    history = an_executing_project_with_dependency().of("a")
    for word in then:
        history = getattr(history, word)()
    return history.of("b")


def an_executing_project_with_dependency() -> History:
    return a_project("a").with_task("b", depends_on=("a",)).planned().approved()


@pytest.mark.parametrize(
    "then",
    [
        (),
        ("started",),
        ("started", "failed"),
        ("cancel_requested",),
        ("started", "cancel_requested"),
    ],
)
def test_a_task_waits_for_what_it_depends_on(then: tuple[str, ...]) -> None:
    assert dependent(*then).started().said == void(Reason.DEPENDENCIES_UNMET)


@pytest.mark.parametrize("then", [("started", "completed"), ("skipped",)])
def test_a_task_starts_after_what_it_depends_on_is_done_or_left_out(then: tuple[str, ...]) -> None:
    assert dependent(*then).started().said == EFFECTIVE


def test_every_dependency_counts_also_one_that_is_not_there() -> None:
    project = a_project("a").with_task("b", depends_on=("a", "c")).planned().approved()

    history = project.of("a").started().completed().of("b").started()

    assert history.said == void(Reason.DEPENDENCIES_UNMET)


def test_children_start_while_their_parent_runs() -> None:
    history = an_executing_project("a").of("a").started().with_child("c").started()

    assert history.said == EFFECTIVE


def test_an_executor_may_ask_first_and_hears_the_same() -> None:
    history = a_task(region="eu")
    claim = history.started(region="us").events[-1]

    asked = why_not_claimable(history.root, history.task, 1, "us", claim.time)

    assert asked is folding.the_fold.evolve(history.root, claim).reason is Reason.WRONG_REGION
    assert why_not_claimable(history.root, history.task, 1, "eu", claim.time) is None
