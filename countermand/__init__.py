"""The face: what task authors import, the client and the command line."""

from typing import TYPE_CHECKING, Any

from countermand.handlers import SyncTaskContext, TaskContext, TaskStopped, handler

if TYPE_CHECKING:
    from .client import Client, Problem, SyncClient

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
    """The client only for those who use it: `countermand.handlers` needs the standard library
    alone."""
    if name in ("Client", "Problem", "SyncClient"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
