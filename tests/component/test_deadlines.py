"""A deadline cancels whatever its task is doing, and no attempt follows a cancel."""

from datetime import datetime, timedelta

from events.cancel_events import CancelRequested
from events.run_events import TaskResumed
from events.words import Evidence, Origin, Status
from services.executor.runtime import Broke
from services.world import real_world
from tests.component.stage import ACKNOWLEDGED, Stage


def soon() -> datetime:
    return real_world().now() + timedelta(seconds=0.1)


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
