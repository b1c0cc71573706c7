"""Wait for a task, not for a cancel: until it has ended, or waits for somebody."""

import asyncio

from events.words import TERMINAL, Status
from services.operations import looking
from services.operations.scope import Scope
from services.read_models.rows import Task

RESTING = TERMINAL | {Status.WAITING}


async def until_at_rest(scope: Scope, task_id: str, wait_seconds: float) -> Task:
    """The task once it has ended or waits, or as it is when the time is over."""
    with scope.parts.verdicts.watching(scope.organization, task_id) as watch:
        try:
            async with asyncio.timeout(wait_seconds):
                while True:
                    task, _ = await looking.get_task(scope, task_id)
                    if task.status in RESTING:
                        return task
                    watch.taken()
                    await watch.more()
        except TimeoutError:
            task, _ = await looking.get_task(scope, task_id)
            return task
