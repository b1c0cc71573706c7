"""The honest cancel of every dialect: asked for, waited for within a bound, and told as it is.

No dialect says its word for cancelled unless the task it shows has ended.
"""

from typing import NamedTuple

from events.words import PROJECT_FINISHED, TERMINAL, Reason, Verdict
from services.gateway.callers import Caller
from services.operations import cancelling, looking
from services.operations.receipts import Receipt
from services.operations.requests import CancelRequest, ProjectCancelBody
from services.read_models.rows import Project, Task


class Stopping(NamedTuple):
    """What came of a cancel, and the task as it is now."""

    task: Task
    receipt: Receipt

    @property
    def confirmed(self) -> bool:
        """The task has ended, as the log says and as this row shows."""
        return self.task.status in TERMINAL

    @property
    def too_late(self) -> bool:
        """It had ended before this cancel."""
        return is_too_late(self.receipt)


class ProjectStopping(NamedTuple):
    """The same of a project."""

    project: Project
    receipt: Receipt

    @property
    def confirmed(self) -> bool:
        return self.project.status in PROJECT_FINISHED

    @property
    def too_late(self) -> bool:
        return is_too_late(self.receipt)


def is_too_late(receipt: Receipt) -> bool:
    return receipt.verdict is Verdict.VOID and receipt.reason is Reason.ALREADY_FINISHED


async def stop(caller: Caller, task_id: str, reason: str) -> Stopping:
    """Cancel a task; who isn't told that it has stopped may ask again, and joins this cancel."""
    bound = caller.desk.settings.dialects.cancel_wait_seconds
    request = CancelRequest(reason=reason)
    receipt = await cancelling.cancel(caller.scope, task_id, request, bound)
    task = await looking.find_fresh_task(caller.scope, task_id)
    assert task is not None  # It was found before the cancel, and nothing is ever forgotten.
    return Stopping(task, receipt)


async def stop_project(caller: Caller, project_id: str, reason: str) -> ProjectStopping:
    bound = caller.desk.settings.dialects.cancel_wait_seconds
    request = ProjectCancelBody(reason=reason)
    receipt = await cancelling.cancel_project(caller.scope, project_id, request, bound)
    project = await looking.find_fresh_project(caller.scope, project_id)
    assert project is not None
    return ProjectStopping(project, receipt)
