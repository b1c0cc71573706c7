"""One row for each task whose deadline may still come."""

from typing import TypedDict

from events.state import TaskState
from projections.moments import us


class Deadline(TypedDict):
    organization: str
    deadline_us: int


def deadline_of(organization: str, task: TaskState) -> Deadline | None:
    """The row of a task as it stands; None when no deadline can end it any more."""
    deadline = task.spec.deadline
    if deadline is None or task.finished or task.cancel is not None:
        return None
    return {"organization": organization, "deadline_us": us(deadline)}
