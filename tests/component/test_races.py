"""Every race against a cancel, in both orders.

Forced by gates: an append is held back until the other one is in the log.
"""

import pytest

from events.body import Actor
from events.cancel_events import CancelRequested
from events.run_events import (
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
)
from events.words import Evidence, Status
from services.executor.runtime import Broke, Completed, SweptAway
from tests.component.stage import ACKNOWLEDGED, Stage
from tests.rig import ORGANIZATION


async def until_asked(stage: Stage, task_id: str) -> None:
    await stage.until(lambda: bool(stage.runs_of(task_id)[0].asked))


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
