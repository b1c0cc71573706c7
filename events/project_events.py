"""Events of a project: a group of tasks with one lifecycle."""

from typing import ClassVar

from events.body import Body, Count, Ordinal, Region, Seconds, Text
from events.task_events import Labels
from events.words import Mode


class ProjectCreated(Body):
    """Appended by a gateway. From then on the id is taken and tasks may be submitted below it."""

    TYPE: ClassVar[str] = "countermand.project.created.v1"

    title: Text = ""
    description: Text = ""
    labels: Labels = {}
    region: Region = "local"


class ProjectPlanned(Body):
    """Appended by a gateway: the plan is complete at so many tasks, and awaits approval."""

    TYPE: ClassVar[str] = "countermand.project.planned.v1"

    plan: Ordinal
    tasks: Count


class ProjectApproved(Body):
    """Appended by a gateway: the plan may be executed, once all its tasks are there."""

    TYPE: ClassVar[str] = "countermand.project.approved.v1"

    plan: Ordinal


class ProjectPaused(Body):
    """Appended by a gateway: nothing new starts; what runs goes on."""

    TYPE: ClassVar[str] = "countermand.project.paused.v1"

    pause: Ordinal


class ProjectResumed(Body):
    """Appended by a gateway: the pause of that number is over."""

    TYPE: ClassVar[str] = "countermand.project.resumed.v1"

    pause: Ordinal


class ProjectCancelRequested(Body):
    """Appended by a gateway: what runs stops, the rest is skipped, what is done stays."""

    TYPE: ClassVar[str] = "countermand.project.cancel-requested.v1"

    mode: Mode = Mode.GRACEFUL
    grace_seconds: Seconds | None = None
