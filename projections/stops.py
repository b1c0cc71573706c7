"""What counts as the stop of a task, wherever stops are listed, timed or counted."""

from events.state import Cancel, TaskState


def is_a_stop(task: TaskState, cancel: Cancel) -> bool:
    """What was pending and is only below what was cancelled had nothing to stop."""
    return task.run is not None or cancel.subject == task.id
