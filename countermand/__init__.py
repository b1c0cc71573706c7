"""The face: what task authors import, the client and the command line."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Client, Problem, SyncClient
    from .handlers import SyncTaskContext, TaskContext, TaskStopped, handler

__all__ = [
    "Client",
    "Problem",
    "SyncClient",
    "SyncTaskContext",
    "TaskContext",
    "TaskStopped",
    "handler",
]


def __getattr__(name: str) -> Any:
    """Each only for those who use it: `countermand.handlers` needs the standard library alone, and
    the command line neither of the two to complete a word."""
    if name in ("Client", "Problem", "SyncClient"):
        from . import client

        return getattr(client, name)
    if name in __all__:
        from . import handlers

        return getattr(handlers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
