"""How a run is told to stop, and how it says that trying again is of no use."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Why: TypeAlias = Literal["request", "deadline", "shutdown"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run is being stopped. In `context.stopping` before anything is raised in the
    handler."""

    why: Why
    reason: str
    grace_seconds: float
    """How long the handler has to end; then its process is killed."""


class TaskStopped(BaseException):
    """Raised in a sync handler, wherever it is, when its run is to stop.

    No `Exception`, so that `except Exception` doesn't swallow it.
    """


class PermanentFailure(Exception):
    """Raise it to fail without another attempt."""
