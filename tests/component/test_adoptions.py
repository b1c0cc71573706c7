"""Remote runs among several executors: let go, adopted by one, and cancelled wherever they are."""

from events.words import Evidence, Status
from services.executor.runtime import Completed, Stopped
from services.executor.settings import ExecutorSettings
from tests.component.stage import Stage, StagedRun

QUICK = ExecutorSettings(claim_delay_seconds=0.001, confirm_seconds=0.05, lease_seconds=0.5)
ADOPTED = "RunAdopted"


async def a_run_let_go(stage: Stage) -> tuple[str, StagedRun]:
    """A remote run that its executor attached, and then let go of."""
    first = await stage.with_executor(QUICK, remote=True)
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    run.order.voice.attached({"id": "there-7"})
    await stage.until(lambda: "RunAttached" in stage.told_of(task_id))
    await first.end()
    return task_id, run


async def test_an_executor_that_ends_says_nothing_of_its_remote_runs(stage: Stage) -> None:
    task_id, _ = await a_run_let_go(stage)
    assert stage.told_of(task_id) == ["TaskSubmitted", "TaskStarted", "RunAttached"]


async def test_one_of_several_adopts_the_run_and_goes_on_with_its_handle(stage: Stage) -> None:
    task_id, first = await a_run_let_go(stage)
    for _ in range(3):
        await stage.with_executor(QUICK, remote=True)
    run = await stage.run_of(task_id, 2)
    assert (run.order.run_id, run.order.adopted) == (first.order.run_id, True)
    assert run.order.attached == {"id": "there-7"}
    run.ends(Completed("done"))
    task = await stage.until_status(task_id, Status.SUCCEEDED)
    assert task.attempt == 1
    assert len(stage.runs_of(task_id)) == 2


async def test_a_cancel_while_nobody_looks_after_it_reaches_the_run_once_it_is_adopted(
    stage: Stage,
) -> None:
    task_id, _ = await a_run_let_go(stage)
    await stage.cancel(task_id)
    await stage.until_status(task_id, Status.CANCELLING)
    await stage.with_executor(QUICK, remote=True)
    run = await stage.run_of(task_id, 2)
    await stage.until(lambda: bool(run.asked or run.forced))
    run.ends(Stopped(Evidence.REMOTE_ACKNOWLEDGED))
    task = await stage.until_status(task_id, Status.CANCELLED)
    assert task.evidence is Evidence.REMOTE_ACKNOWLEDGED


async def test_nobody_adopts_the_run_of_an_executor_that_lives(stage: Stage) -> None:
    await stage.with_executor(QUICK, remote=True)
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    other = await stage.with_executor(QUICK, remote=True)
    beats = await stage.heartbeats.end()
    # Long enough for the other to have taken over, had it wanted to: its lease, twice.
    wanted = {partition: offset + 16 for partition, offset in beats.items()}
    async for records in stage.heartbeats.follow(beats, 1):
        if records[-1].position.offset >= wanted[records[-1].position.partition]:
            break
    assert ADOPTED not in stage.told_of(task_id)
    assert other.executor.runs == {}
    run.ends(Completed("done"))
    await stage.until_status(task_id, Status.SUCCEEDED)
