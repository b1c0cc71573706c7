"""Orders for runs that are started by a test rather than by an executor."""

from typing import cast
from uuid import uuid4

from services.executor.runtime import Order, RunVoice


def an_order(kind: str, voice: object) -> Order:
    """For a run of this kind that says to the voice no more than it has methods for."""
    return Order(
        run_id=uuid4(),
        organization="default",
        task_id="a-task",
        kind=kind,
        payload={},
        attempt=1,
        deadline=None,
        labels={},
        isolated=False,
        answers=(),
        voice=cast(RunVoice, voice),
    )
