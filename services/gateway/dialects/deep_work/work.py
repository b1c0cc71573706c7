"""A project with its tasks, found; and what a project that isn't there is answered."""

from events.errors import InvalidId
from services.gateway.dialects import numbered_pages
from services.gateway.dialects.deep_work.records import Work, in_order
from services.gateway.dialects.deep_work.refusing import Called, Said
from services.gateway.dialects.ids import is_uuid
from services.operations import looking
from services.read_models.questions import TaskFilter
from services.read_models.rows import Project
from services.refusals import NotFound


async def work_of(
    caller: Called, project_id: str, status: int = 404, *, named: bool = False
) -> Work:
    """`status` and `named`: how this route says that there is no such project."""
    try:
        project = await project_of(caller, project_id)
    except (NotFound, InvalidId) as error:
        text = f"Project not found: {project_id[:200]}" if named else "Project not found"
        raise Said(status, text) from error
    return await with_tasks(caller, project)


async def project_of(caller: Called, project_id: str) -> Project:
    """A UUID is the same one in capitals; ours are written without."""
    try:
        project, _ = await looking.get_project(caller.scope, project_id)
    except NotFound:
        if not is_uuid(project_id) or project_id == project_id.lower():
            raise
        project, _ = await looking.get_project(caller.scope, project_id.lower())
    return project


async def with_tasks(caller: Called, project: Project) -> Work:
    tasks = await numbered_pages.walked(caller, TaskFilter(parent=project.id))
    return Work(project, in_order(tasks))
