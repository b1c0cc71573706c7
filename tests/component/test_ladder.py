"""The ladder: asked, forced when told or when the grace is over, unconfirmed until it is gone."""

from events.words import Evidence, Mode, Status
from tests.component.stage import KILLED, Stage


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
