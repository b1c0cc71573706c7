"""What a request's tasks wait for: never for each other, as none of them would ever start.

Looks at the request, and from there at the pending tasks that are at hand, as far as a limit: of
requests that come at the same time the fold judges each by itself. Who waits for whom in a circle
that came about all the same is freed by skipping or cancelling one of them.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from events.event import Event
from events.state import TaskState
from events.task_events import TaskSubmitted
from events.words import Status
from services.refusals import Invalid

SHOWN = 5
"""Of the tasks of a circle."""
LOOKED_AT = 256
"""Of the tasks that are there already. Whoever builds a long chain one by one pays for each."""

Known = Callable[[str], TaskState | None]


def check_dependencies(submissions: Iterable[Event], known: Known) -> None:
    """Raises `Invalid` for tasks that wait for each other, or for themselves."""
    waiting: dict[str, Sequence[str]] = {
        event.subject: event.data.depends_on
        for event in submissions
        if isinstance(event.data, TaskSubmitted) and event.data.depends_on
    }
    if not waiting:
        return
    add_known(waiting, known)
    try:
        TopologicalSorter(waiting).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][::-1]
        named = " waits for ".join(repr(each) for each in circle[:SHOWN])
        more = " and so on, back to the first" if len(circle) > SHOWN else ""
        raise Invalid("depends_on", f"{named}{more}: none of them would ever start") from None


def add_known(waiting: dict[str, Sequence[str]], known: Known) -> None:
    """What the tasks wait for that these wait for, and so on."""
    ahead = deque(each for dependencies in waiting.values() for each in dependencies)
    looked_at = 0
    while ahead and looked_at < LOOKED_AT:
        task_id = ahead.popleft()
        if task_id in waiting:
            continue
        looked_at += 1
        task = known(task_id)
        if task is not None and task.status is Status.PENDING and task.spec.depends_on:
            waiting[task_id] = task.spec.depends_on
            ahead.extend(task.spec.depends_on)
