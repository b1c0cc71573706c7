"""One organization's rows: every question that a caller may cause, scoped in this one place."""

from uuid import UUID

from events.positions import Frontier, Position
from services.read_models.questions import (
    AsOf,
    CancellationFilter,
    HistoryFilter,
    ProjectFilter,
    TaskFilter,
)
from services.read_models.rows import Cancellation, HistoryLine, Page, Project, Receipt, Task


class OrganizationView:
    """What one organization may see. Made by `ReadModels.of`."""

    organization: str

    async def task(self, id: str, *, as_of: AsOf | None = None) -> Task | None:
        """The task, now or as of then; None when it isn't (or wasn't yet) there."""
        raise NotImplementedError

    async def tasks(
        self,
        where: TaskFilter = TaskFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
        as_of: AsOf | None = None,
    ) -> Page[Task]:
        """Tasks, newest first."""
        raise NotImplementedError

    async def project(self, id: str, *, as_of: AsOf | None = None) -> Project | None:
        """The project, now or as of then."""
        raise NotImplementedError

    async def projects(
        self,
        where: ProjectFilter = ProjectFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
        as_of: AsOf | None = None,
    ) -> Page[Project]:
        """Projects, newest first."""
        raise NotImplementedError

    async def history(
        self,
        where: HistoryFilter = HistoryFilter(),  # noqa: B008
        *,
        start: Frontier | None = None,
        cursor: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[HistoryLine]:
        """Lines of the history in the order of the log, or the other way round.

        `start`: only lines from this frontier on. The cursor of an oldest-first page is the
        frontier behind its last line, written, and is given even at the end when there are
        lines: a stream goes on from it.
        """
        raise NotImplementedError

    async def line_at(self, position: Position) -> HistoryLine | None:
        """The line at this position, if it is this organization's: where verdicts are read."""
        raise NotImplementedError

    async def receipt(self, event_id: UUID) -> Receipt | None:
        """What became of the request with this id; by the first line that has it."""
        raise NotImplementedError

    async def cancellations(
        self,
        where: CancellationFilter = CancellationFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[Cancellation]:
        """Cancellations, those asked for last first."""
        raise NotImplementedError
