"""Rows about one project: as an event left it, and as it stands now."""

from events.state import ProjectState
from projections.hexadecimal import hexadecimal
from projections.moments import us, us_or_none
from projections.place import Place
from projections.task_rows import Cells

FIXED = 5
"""So many columns of `tables.projects` never change."""
UNKNOWN_CREATION: Place = -1
"""In a row that is there already; the statement leaves what it has."""


def after(project: ProjectState) -> Cells:
    """The columns of `tables.project_after`."""
    cancel = project.cancel
    return (
        project.status._value_,
        project.plan,
        project.planned_tasks,
        project.pauses,
        project.arrived,
        project.unfinished,
        project.active,
        project.failed,
        us_or_none(project.started_at),
        us_or_none(project.finished_at),
        *(
            (hexadecimal(cancel.id), cancel.grace_seconds, us(cancel.requested_at))
            if cancel is not None
            else (None, None, None)
        ),
    )


def identity(organization: str, project: ProjectState) -> Cells:
    """The columns of `tables.projects` that never change, but for the place of the creation."""
    return (organization, project.id, project.spec.region, us(project.created_at))
