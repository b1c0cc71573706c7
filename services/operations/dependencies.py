"""What a request's tasks wait for: never for each other, as none of them would ever start.

Looks at one request only. Of requests that come one after another the fold judges each by itself;
who waits for whom in a circle of theirs is freed by skipping or cancelling one of them.
"""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from events.event import Event
from events.task_events import TaskSubmitted
from services.refusals import Invalid

SHOWN = 5
"""Of the tasks of a circle."""


def check_dependencies(submissions: Iterable[Event]) -> None:
    """Raises `Invalid` for tasks that wait for each other, or for themselves."""
    waiting = {
        event.subject: event.data.depends_on
        for event in submissions
        if isinstance(event.data, TaskSubmitted) and event.data.depends_on
    }
    if not waiting:
        return
    try:
        TopologicalSorter(waiting).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        named = " waits for ".join(repr(each) for each in circle[:SHOWN])
        more = " and so on, back to the first" if len(circle) > SHOWN else ""
        raise Invalid("depends_on", f"{named}{more}: none of them would ever start") from None
