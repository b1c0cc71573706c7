"""Which executor claims a task, and when: limits, labels, times and dependencies."""

from collections import Counter
from datetime import timedelta

import pytest

from events.words import Status
from services.executor.runtime import Broke, Completed
from services.executor.settings import ExecutorSettings
from services.world import real_world
from tests.component.stage import Stage, StagedRun
from tests.proof_size import count


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


async def test_a_kind_at_its_limit_holds_nobody_else_up(stage: Stage) -> None:
    settings = ExecutorSettings(concurrent_runs_by_kind={"work": 1})
    await stage.with_executor(settings, kinds=frozenset({"work", "other"}))
    first = await stage.run_of(await stage.submit("work"))
    waits = await stage.submit("work")
    await stage.run_of(await stage.submit("other"))
    assert stage.runs_of(waits) == []
    first.ends(Completed(None))

    await stage.run_of(waits)


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
