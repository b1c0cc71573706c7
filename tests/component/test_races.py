"""Every race against a cancel, in both orders, and what executors owe each other.

Forced by gates: an append is held back until the other one is in the log.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from events.body import Actor, JsonObject
from events.cancel_events import CancelRequested, TaskCancelled
from events.event import decode
from events.run_events import (
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
)
from events.task_events import TaskProgressed
from events.words import Evidence, Mode, Origin, Status
from services.executor.runtime import Broke, Completed, Stopped, SweptAway
from services.executor.settings import ExecutorSettings
from services.world import real_world
from tests.component.stage import Stage, StagedRun, a_stage
from tests.proof_size import count
from tests.rig import ORGANIZATION, PATIENCE_SECONDS

ACKNOWLEDGED = Stopped(Evidence.ACKNOWLEDGED)
KILLED = Stopped(Evidence.KILLED)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as stage:
        yield stage


def soon() -> datetime:
    return real_world().now() + timedelta(seconds=0.1)


async def until_asked(stage: Stage, task_id: str) -> None:
    await stage.until(lambda: bool(stage.runs_of(task_id)[0].asked))


# ── start ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancel_before_the_claim_keeps_the_code_from_starting(stage: Stage) -> None:
    await stage.with_executor()
    claim = stage.history.hold(TaskStarted)
    task_id = await stage.submit("work")
    await claim.there()
    await stage.cancel(task_id)
    claim.let_go()

    task = await stage.until_status(task_id, Status.CANCELLED)
    await stage.until(lambda: "TaskStarted (void)" in stage.told_of(task_id))
    assert task.evidence is Evidence.NEVER_STARTED
    assert stage.runs == []


async def test_a_cancel_right_after_the_claim_stops_the_run(stage: Stage) -> None:
    await stage.with_executor()
    cancel = stage.history.hold(CancelRequested)
    task_id = await stage.submit("work")
    asked = stage.tasks.create_task(stage.cancel(task_id))
    await cancel.there()
    run = await stage.run_of(task_id)
    cancel.let_go()
    await asked
    await until_asked(stage, task_id)
    assert stage.told_of(task_id)[-1] != "TaskCancelled"
    run.ends(ACKNOWLEDGED)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.ACKNOWLEDGED


# ── finish, fail, release ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ending", "body", "status", "evidence"),
    [
        (Completed("done"), TaskCompleted, Status.SUCCEEDED, Evidence.RAN_TO_END),
        (Broke("broken", "error"), TaskFailed, Status.FAILED, Evidence.RAN_TO_END),
        (SweptAway("its host died"), RunReleased, Status.PENDING, Evidence.KILLED),
    ],
    ids=["finish", "fail", "release"],
)
class TestAnEnd:
    async def test_before_the_cancel_stays(
        self,
        stage: Stage,
        ending: Completed,
        body: type[TaskCompleted],
        status: Status,
        evidence: Evidence,
    ) -> None:
        first = await stage.with_executor()
        cancel = stage.history.hold(CancelRequested)
        task_id = await stage.submit("work")
        run = await stage.run_of(task_id)
        asked = stage.tasks.create_task(stage.cancel(task_id))
        await cancel.there()
        first.executor.drain()
        run.ends(ending)
        await stage.until_status(task_id, status)
        cancel.let_go()
        await asked

        await stage.until(lambda: any("CancelRequested" in each for each in stage.told_of(task_id)))
        task = stage.task(task_id)
        assert task is not None
        if status is Status.PENDING:
            assert (task.status, task.evidence) == (Status.CANCELLED, Evidence.NEVER_STARTED)
        else:
            assert task.status is status
            assert stage.told_of(task_id)[-1] == "CancelRequested (void)"

    async def test_after_the_cancel_is_a_cancelled_end(
        self,
        stage: Stage,
        ending: Completed,
        body: type[TaskCompleted],
        status: Status,
        evidence: Evidence,
    ) -> None:
        await stage.with_executor()
        outcome = stage.history.hold(body)
        task_id = await stage.submit("work", max_attempts=3)
        run = await stage.run_of(task_id)
        run.ends(ending)
        await outcome.there()
        await stage.cancel(task_id)
        outcome.let_go()

        task = await stage.until_status(task_id, Status.CANCELLED)
        assert task.evidence is evidence
        assert len(stage.runs_of(task_id)) == 1


# ── lose ──────────────────────────────────────────────────────────────────────────────────────────


async def lose(stage: Stage, task_id: str) -> None:
    task = stage.task(task_id)
    assert task is not None
    assert task.run is not None
    actor = Actor(kind="watchdog", id="watchdog-1", organization=ORGANIZATION)
    await stage.say(RunLost(actor=actor, run_id=task.run.id, executor=task.run.executor), task_id)


async def test_a_run_lost_after_the_cancel_is_presumed_stopped(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    await lose(stage, task_id)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.PRESUMED
    await stage.until(lambda: bool(run.forced))


async def test_a_run_lost_before_the_cancel_is_never_tried_again(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work", max_attempts=2, backoff_seconds=3600)
    run = await stage.run_of(task_id)
    await lose(stage, task_id)
    await stage.until(lambda: bool(run.forced))
    await stage.cancel(task_id)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.NEVER_STARTED
    assert len(stage.runs_of(task_id)) == 1


# ── approve ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_approval_after_the_cancel_changes_nothing(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.waiting(1, "Go on?")
    await stage.until_status(task_id, Status.WAITING)
    await stage.cancel(task_id)
    await stage.say(TaskResumed(actor=stage.user, wait=1, answer="yes"), task_id)
    await stage.until(lambda: "TaskResumed (void)" in stage.told_of(task_id))
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.ACKNOWLEDGED
    assert run.answers == []


async def test_an_approval_before_the_cancel_reaches_the_run_and_so_does_the_cancel(
    stage: Stage,
) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.waiting(1, "Go on?")
    await stage.until_status(task_id, Status.WAITING)
    await stage.approve(task_id, "yes")
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    await stage.until_status(task_id, Status.CANCELLED)
    assert run.answers == [(1, "yes")]


# ── progress ──────────────────────────────────────────────────────────────────────────────────────


async def test_output_that_does_not_get_through_keeps_no_cancel_waiting(stage: Stage) -> None:
    await stage.with_executor()
    progress = stage.output.hold(TaskProgressed)
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.progress(0.5, "half")
    await progress.there()
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    await stage.until_status(task_id, Status.CANCELLED)
    said = [e.event.data for e in stage.entries if e.event is not None]
    cancelled = next(each for each in said if isinstance(each, TaskCancelled))
    assert cancelled.output.missing_records == 1
    progress.let_go()


@pytest.mark.parametrize("through", [True, False], ids=["gets through", "is held up"])
async def test_what_a_run_says_after_it_was_asked_is_kept_or_counted_as_missing(
    stage: Stage, through: bool
) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    progress = stage.output.hold(TaskProgressed)
    assert run.order.voice.progress(0.9, "cleaning up")
    await progress.there()
    if through:
        progress.let_go()
        await said_after_the_cancel(stage, task_id)
    run.ends(ACKNOWLEDGED)

    # It changes nothing about the outcome, and holds it up for no longer than it may.
    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.ACKNOWLEDGED
    said = [e.event.data for e in stage.entries if e.event is not None]
    cancelled = next(each for each in said if isinstance(each, TaskCancelled))
    output = cancelled.output
    assert (output.records, output.missing_records) == ((1, 0) if through else (0, 1))
    progress.let_go()


async def said_after_the_cancel(stage: Stage, task_id: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for records in stage.output.follow({}):
            if any(decode(record.value).subject == task_id for record in records):
                return


async def test_output_that_gets_through_is_counted_before_the_outcome(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.progress(0.5, "half")
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    run.ends(ACKNOWLEDGED)

    await stage.until_status(task_id, Status.CANCELLED)
    said = [e.event.data for e in stage.entries if e.event is not None]
    cancelled = next(each for each in said if isinstance(each, TaskCancelled))
    assert (cancelled.output.records, cancelled.output.missing_records) == (1, 0)


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────


async def test_force_upgrades_a_graceful_cancel_that_is_under_way(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work", grace_seconds=3600)
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(lambda: bool(run.asked))
    assert run.forced == []
    await stage.cancel(task_id, Mode.FORCE)
    await stage.until(lambda: bool(run.forced))
    run.ends(KILLED)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.KILLED


async def test_grace_zero_forces_at_once_and_asks_nobody(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work", grace_seconds=3600)
    run = await stage.run_of(task_id)
    await stage.cancel(task_id, grace_seconds=0)
    await stage.until(lambda: bool(run.forced))
    run.ends(KILLED)

    await stage.until_status(task_id, Status.CANCELLED)
    assert run.asked == []
    assert all(stop.forced for stop in run.forced)


async def test_a_run_that_will_not_die_shows_as_unconfirmed_until_it_is_gone(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.cancel(task_id, Mode.FORCE)
    await stage.until(lambda: "CancelUnconfirmed" in stage.told_of(task_id))
    assert "TaskCancelled" not in stage.told_of(task_id)
    run.ends(KILLED)

    await stage.until_status(task_id, Status.CANCELLED)


# ── many executors ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.prove
async def test_no_task_starts_twice_however_many_executors_race_for_it(stage: Stage) -> None:
    stage.runs_end_at_once = True
    settings = ExecutorSettings(claim_delay_seconds=1e-9)
    for _ in range(8):
        await stage.with_executor(settings)
    ids = [await stage.submit("work") for _ in range(count(small=200, full=2_000))]
    for task_id in ids:
        await stage.until_status(task_id, Status.SUCCEEDED)

    starts = Counter(run.order.task_id for run in stage.runs)
    assert starts == Counter(ids)


async def test_children_are_cancelled_with_their_parent_wherever_they_run(stage: Stage) -> None:
    await stage.with_executor(kinds=frozenset({"parent"}))
    await stage.with_executor(kinds=frozenset({"child"}))
    parent_id = await stage.submit("parent")
    parent = await stage.run_of(parent_id)
    parent.order.voice.submit({"name": "one", "kind": "child"}, lambda *_: None)
    child = await stage.run_of(f"{parent_id}.one")
    assert (parent.executor, child.executor) == ("executor-1", "executor-2")
    await stage.cancel(parent_id)
    await stage.until(lambda: bool(parent.asked and child.asked))
    parent.ends(ACKNOWLEDGED)
    child.ends(KILLED)

    task = await stage.until_status(f"{parent_id}.one", Status.CANCELLED)
    assert task.evidence is Evidence.KILLED
    await stage.until_status(parent_id, Status.CANCELLED)


async def test_a_kind_that_only_a_busy_executor_knows_waits_for_it(stage: Stage) -> None:
    one_at_a_time = ExecutorSettings(concurrent_runs=1, claim_delay_seconds=0.001)
    await stage.with_executor(one_at_a_time, kinds=frozenset({"work", "rare"}))
    await stage.with_executor(kinds=frozenset({"work"}))
    busy_with = await stage.submit("rare")
    run = await stage.run_of(busy_with)
    waits = await stage.submit("rare")
    marker = await stage.submit("work")
    (await stage.run_of(marker)).ends(Completed(None))
    await stage.until_status(marker, Status.SUCCEEDED)
    await until_caught_up(stage, run)
    assert stage.told_of(waits) == ["TaskSubmitted"]
    run.ends(Completed(None))

    assert (await stage.run_of(waits)).executor == "executor-1"


async def until_caught_up(stage: Stage, run: StagedRun) -> None:
    """Returns once the run's executor has heard all that was said, and has had its turn.

    By the second answer it has heard the first, and with it all that came before; what it wanted to
    say about that has reached the log before its second question.
    """
    await until_answered(stage, run, 1)
    await until_answered(stage, run, 2)


async def until_answered(stage: Stage, run: StagedRun, wait: int) -> None:
    run.order.voice.waiting(wait, "Go on?")
    await stage.until_status(run.order.task_id, Status.WAITING)
    await stage.approve(run.order.task_id)
    await stage.until(lambda: len(run.answers) == wait)


# ── limits and labels ─────────────────────────────────────────────────────────────────────────────


async def test_an_executor_runs_no_more_than_it_may(stage: Stage) -> None:
    await stage.with_executor(ExecutorSettings(concurrent_runs=1))
    busy_with, waits = await stage.submit("work"), await stage.submit("work")
    run = await stage.run_of(busy_with)
    await until_caught_up(stage, run)
    assert stage.told_of(waits) == ["TaskSubmitted"]
    run.ends(Completed(None))

    await stage.run_of(waits)


async def test_isolated_runs_at_their_limit_wait_and_hold_up_no_other(stage: Stage) -> None:
    await stage.with_executor(ExecutorSettings(concurrent_isolated_runs=1))
    busy_with = await stage.submit("work", isolation="isolated")
    waits = await stage.submit("work", isolation="isolated")
    run = await stage.run_of(busy_with)
    await stage.run_of(await stage.submit("work"))
    await until_caught_up(stage, run)
    assert stage.told_of(waits) == ["TaskSubmitted"]
    run.ends(Completed(None))

    await stage.run_of(waits)


async def test_a_task_runs_only_where_the_labels_are_that_it_requires(stage: Stage) -> None:
    small = ExecutorSettings(labels={"disk": "small"}, claim_delay_seconds=0.001)
    large = ExecutorSettings(labels={"disk": "large"}, claim_delay_seconds=0.001)
    await stage.with_executor(small)
    busy_with = await stage.submit("work")
    waits = await stage.submit("work", requires={"disk": "large"})
    await until_caught_up(stage, await stage.run_of(busy_with))
    assert stage.told_of(waits) == ["TaskSubmitted"]
    await stage.with_executor(large)

    assert (await stage.run_of(waits)).executor == "executor-2"


async def test_a_claim_that_is_effective_and_that_nobody_holds_is_released(stage: Stage) -> None:
    staged = await stage.with_executor()
    staged.executor.drain()
    task_id = await stage.submit("work")
    await claimed_by(stage, task_id, "executor-1", uuid4())
    task = await stage.until_status(task_id, Status.PENDING)
    await stage.until(lambda: "RunReleased" in stage.told_of(task_id))

    assert task.failures == 0
    assert stage.runs == []


async def test_what_a_predecessor_left_is_released_by_who_is_alone(stage: Stage) -> None:
    task_id = await stage.submit("work")
    await claimed_by(stage, task_id, "executor-0", uuid4())
    await stage.with_executor(alone=True)

    assert (await stage.run_of(task_id)).order.attempt == 2


async def claimed_by(stage: Stage, task_id: str, executor: str, run_id: UUID) -> None:
    actor = Actor(kind="executor", id=executor, organization=ORGANIZATION)
    body = TaskStarted(actor=actor, run_id=run_id, attempt=1, executor=executor)
    await stage.say(body, task_id)
    await stage.until(lambda: "TaskStarted" in stage.told_of(task_id))


# ── ending, draining, waiting ─────────────────────────────────────────────────────────────────────


async def test_a_shutdown_releases_what_runs_for_another_executor(stage: Stage) -> None:
    first = await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.with_executor()
    first.stopping.set()
    await stage.until(lambda: bool(run.asked))
    assert run.asked[0].why == "shutdown"
    run.ends(ACKNOWLEDGED)

    second = await stage.run_of(task_id, 2)
    assert (second.executor, second.order.attempt) == ("executor-2", 2)
    task = stage.task(task_id)
    assert task is not None
    assert task.failures == 0


async def test_a_drained_executor_claims_nothing_until_it_goes_on(stage: Stage) -> None:
    staged = await stage.with_executor()
    runs_on = await stage.submit("work")
    run = await stage.run_of(runs_on)
    staged.executor.drain()
    waits = await stage.submit("work")
    run.ends(Completed(None))
    await stage.until_status(runs_on, Status.SUCCEEDED)
    assert stage.runs_of(waits) == []
    staged.executor.resume()

    await stage.run_of(waits)


async def test_a_deadline_cancels_by_the_same_path(stage: Stage) -> None:
    await stage.with_executor()
    await stage.with_watchdog()
    deadline = real_world().now() + timedelta(seconds=0.2)
    task_id = await stage.submit("work", deadline=deadline)
    run = await stage.run_of(task_id)
    await stage.until(lambda: bool(run.asked))
    assert run.asked[0].why == "deadline"
    run.ends(ACKNOWLEDGED)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.cancel is not None
    assert task.cancel.origin is Origin.DEADLINE


async def test_the_deadline_of_a_task_that_nobody_has_claimed_cancels_it(stage: Stage) -> None:
    staged = await stage.with_executor()
    staged.executor.drain()
    await stage.with_watchdog()
    task_id = await stage.submit("work", deadline=soon())

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.cancel is not None
    assert (task.cancel.origin, task.evidence) == (Origin.DEADLINE, Evidence.NEVER_STARTED)
    staged.executor.resume()
    # Whoever claims now finds this one, and not the other.
    await stage.run_of(await stage.submit("work"))
    assert stage.runs_of(task_id) == []


async def test_the_deadline_of_a_run_that_waits_for_an_answer_stops_it(stage: Stage) -> None:
    await stage.with_executor()
    await stage.with_watchdog()
    cancel = stage.history.hold(CancelRequested)
    task_id = await stage.submit("work", deadline=soon())
    run = await stage.run_of(task_id)
    run.order.voice.waiting(1, "Go on?")
    await stage.until_status(task_id, Status.WAITING)
    cancel.let_go()
    await stage.until(lambda: bool(run.asked))
    assert run.asked[0].why == "deadline"
    # The answer comes too late.
    await stage.say(TaskResumed(actor=stage.user, wait=1, answer="yes"), task_id)
    await stage.until(lambda: "TaskResumed (void)" in stage.told_of(task_id))
    run.ends(ACKNOWLEDGED)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.cancel is not None
    assert (task.cancel.origin, task.evidence) == (Origin.DEADLINE, Evidence.ACKNOWLEDGED)
    assert run.answers == []


async def test_the_deadline_of_a_task_that_waits_for_its_next_attempt_ends_that(
    stage: Stage,
) -> None:
    await stage.with_executor()
    await stage.with_watchdog()
    cancel = stage.history.hold(CancelRequested)
    task_id = await stage.submit("work", deadline=soon(), max_attempts=5, backoff_seconds=3600)
    (await stage.run_of(task_id)).ends(Broke("broken", "error"))
    await stage.until(lambda: "TaskFailed" in stage.told_of(task_id))
    cancel.let_go()

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.cancel is not None
    assert (task.cancel.origin, task.evidence) == (Origin.DEADLINE, Evidence.NEVER_STARTED)
    assert (task.attempt, len(stage.runs_of(task_id))) == (2, 1)


async def test_a_cancel_bypasses_every_retry(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work", max_attempts=5, backoff_seconds=3600)
    (await stage.run_of(task_id)).ends(Broke("broken", "error"))
    await stage.until_status(task_id, Status.PENDING)
    await stage.until(lambda: "TaskFailed" in stage.told_of(task_id))
    await stage.cancel(task_id)

    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.NEVER_STARTED


async def test_a_failed_attempt_is_tried_again_after_its_backoff(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work", max_attempts=2, backoff_seconds=0.05)
    (await stage.run_of(task_id)).ends(Broke("broken", "error"))

    assert (await stage.run_of(task_id, 2)).order.attempt == 2
    assert "TaskStarted (void)" not in stage.told_of(task_id)


async def test_a_claim_waits_for_its_time(stage: Stage) -> None:
    await stage.with_executor()
    not_before = real_world().now() + timedelta(seconds=0.1)
    task_id = await stage.submit("work", not_before=not_before)
    await stage.run_of(task_id)

    assert real_world().now() >= not_before
    assert "TaskStarted (void)" not in stage.told_of(task_id)


async def test_a_claim_waits_for_what_the_task_depends_on(stage: Stage) -> None:
    await stage.with_executor()
    parent_id = await stage.submit("work")
    await stage.run_of(parent_id)
    first = await stage.submit("work", id=f"{parent_id}.a", parent=parent_id)
    run = await stage.run_of(first)
    second = await stage.submit("work", id=f"{parent_id}.b", parent=parent_id, depends_on=(first,))
    await stage.until_status(second, Status.PENDING)
    marker = await stage.submit("work")
    await stage.run_of(marker)
    assert stage.runs_of(second) == []
    run.ends(Completed(None))

    await stage.run_of(second)
    assert "TaskStarted (void)" not in stage.told_of(second)


async def test_a_kind_at_its_limit_holds_nobody_else_up(stage: Stage) -> None:
    settings = ExecutorSettings(concurrent_runs_by_kind={"work": 1})
    await stage.with_executor(settings, kinds=frozenset({"work", "other"}))
    first = await stage.run_of(await stage.submit("work"))
    waits = await stage.submit("work")
    await stage.run_of(await stage.submit("other"))
    assert stage.runs_of(waits) == []
    first.ends(Completed(None))

    await stage.run_of(waits)


# ── what a run gives back ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "result", [float("nan"), "x" * 1_100_000, "\ud800"], ids=["nan", "too large", "no text"]
)
async def test_a_result_that_no_event_can_hold_fails_the_run_and_not_the_executor(
    stage: Stage, result: str
) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    (await stage.run_of(task_id)).ends(Completed(result))

    task = await stage.until_status(task_id, Status.FAILED)
    assert task.error_type == "result_refused"
    await stage.run_of(await stage.submit("work"))


async def test_a_child_that_no_event_can_hold_is_refused(stage: Stage) -> None:
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    answers: list[str | None] = []

    def answer(child_id: str | None, error: str | None) -> None:
        answers.append(error)
        stage.changed()

    child: JsonObject = {"name": "large", "kind": "work", "payload": {"text": "x" * 1_100_000}}
    run.order.voice.submit(child, answer)
    await stage.until(lambda: bool(answers))

    assert "refused" in (answers[0] or "")
    await stage.run_of(await stage.submit("work"))
