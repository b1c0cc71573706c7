"""A handler that doesn't keep its own budget."""

from typing import Any

from countermand.handlers import TaskContext, handler
from countermand.handlers.samples import Sleep, stubborn


@handler("overrunning", isolated=True, stop_within_seconds=3.0)
async def overrunning(context: TaskContext, payload: Sleep) -> dict[str, Any]:
    return await stubborn(context, payload)
