"""What task authors import, and the program that runs their code.

    from countermand import TaskContext, handler

    @handler("greet")
    async def greet(context: TaskContext) -> str:
        await context.progress(0.5, "looking for words")
        return f"Hello, {context.payload['name']}!"

An async handler is stopped by `asyncio.CancelledError`, a sync one (`def`, which always has a
process of its own) by `TaskStopped`, wherever it is. `context.stopping` says why before either is
raised. Clean up and let it go on: that is how a run is known to have stopped. Nothing but the
standard library is needed here.
"""

from .context import SubmitRefused, SyncTaskContext, TaskContext
from .declaring import BadHandler, handler
from .payloads import PayloadRefused
from .stopping import PermanentFailure, Stop, TaskStopped

__all__ = [
    "BadHandler",
    "PayloadRefused",
    "PermanentFailure",
    "Stop",
    "SubmitRefused",
    "SyncTaskContext",
    "TaskContext",
    "TaskStopped",
    "handler",
]
