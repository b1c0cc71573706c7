"""Requests for another region: accepted here, decided there."""

from events.outcome import Outcome, noted, void
from events.project_events import ProjectCreated
from events.region_events import RequestAddressed
from events.state import Root
from events.task_events import TaskSubmitted
from events.words import Reason

BEGINNINGS = frozenset({TaskSubmitted.TYPE, ProjectCreated.TYPE})


def addressed(root: Root, body: RequestAddressed) -> Outcome:
    """Kept for the bridge. Its repeat is kept, too: the home region knows both by one id.

    What was sent elsewhere to begin there can't begin here as well.
    """
    if root.tasks or root.project is not None:
        return void(Reason.WRONG_REGION)
    if root.home is None and body.request in BEGINNINGS:
        return noted()._replace(home=body.home)
    return noted()
