"""A cancel around the moment in which its run ends anyway: whichever is first, it is true."""

import asyncio
from pathlib import Path

from events.words import Evidence, Status
from services.executor.settings import ExecutorSettings
from tests.rig import Rig, a_rig

RUNS = 100
SLEEP_SECONDS = 0.3
AT_A_TIME = 20
"""So that each hears its cancel at about the time at which it is sent."""


async def test_a_handler_that_ends_as_it_is_cancelled_has_one_true_end(tmp_path: Path) -> None:
    async with a_rig(tmp_path, ExecutorSettings(isolated_hosts_ready=0)) as rig:
        ends: list[tuple[Status, Evidence | None]] = []
        for batch in range(RUNS // AT_A_TIME):
            async with asyncio.TaskGroup() as calls:
                asked = [
                    # From a little before the end to a little after it; less close each time, so
                    # that a busy machine has its close calls, too.
                    calls.create_task(close_call(rig, (number - AT_A_TIME / 2) * 0.001 * 2**batch))
                    for number in range(AT_A_TIME)
                ]
            ends += [one.result() for one in asked]
            assert len(ends) == (batch + 1) * AT_A_TIME
    assert rig.survivors() == []
    assert set(ends) <= {
        (Status.SUCCEEDED, None),
        (Status.CANCELLED, Evidence.ACKNOWLEDGED),
        (Status.CANCELLED, Evidence.RAN_TO_END),
    }
    # Else the cancels came all too early, or all too late, and nothing was tried.
    assert {status for status, _ in ends} == {Status.SUCCEEDED, Status.CANCELLED}


async def close_call(rig: Rig, offset_seconds: float) -> tuple[Status, Evidence | None]:
    """One run, cancelled so long after its handler should end; what became of it."""
    task_id = await rig.submit("sleep", {"seconds": SLEEP_SECONDS})
    await rig.until_status(task_id, Status.RUNNING)
    # The handler's own clock ticks meanwhile: how close the two come is what is tried.
    await asyncio.sleep(SLEEP_SECONDS + offset_seconds)
    await rig.cancel(task_id)
    task = await rig.until_status(task_id, Status.SUCCEEDED, Status.CANCELLED)
    await rig.until(lambda: any("CancelRequested" in told for told in rig.told_of(task_id)))
    assert rig.task(task_id) == task
    told = rig.told_of(task_id)
    ended = [each for each in told if each in ("TaskCompleted", "TaskCancelled")]
    assert len(ended) == 1, told
    return task.status, task.evidence
