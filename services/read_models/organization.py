"""One organization's rows: every question that a caller may cause, scoped in this one place."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from events.positions import Frontier, Position
from events.words import Status
from projections.place import cut
from services.read_models import projects, stops, task_pages
from services.read_models.asking import Questions
from services.read_models.line_pages import page_of_lines, read_cursor, spans_of
from services.read_models.paging import Key, Looked, page_of
from services.read_models.past import Point
from services.read_models.questions import (
    PAGE_ROWS_LIMIT,
    AsOf,
    CancellationFilter,
    HistoryFilter,
    ProjectFilter,
    Selected,
    TaskFilter,
)
from services.read_models.reader import Reader
from services.read_models.receipts import receipt
from services.read_models.rows import Cancellation, HistoryLine, Page, Project, Receipt, Task
from services.read_models.scope import Scoped
from services.read_models.selection import Selection, selection
from services.read_models.session import Session

Answer = TypeVar("Answer")


class OrganizationView:
    """What one organization may see. Made by `ReadModels.of`.

    Lists come newest first. What is looked at for one page is bounded: a page may be short, even
    empty, and still have a next one.
    """

    def __init__(self, organization: str, reader: Reader, questions: Questions) -> None:
        self.organization = organization
        self._reader = reader
        self._questions = questions

    # ------------------------------------------------------------------------------- tasks

    async def task(self, id: str, *, as_of: AsOf | None = None) -> Task | None:
        """The task, now or as of then; None when it isn't (or wasn't yet) there."""
        tasks = self._questions.tasks
        if as_of is None:
            return await self._ask(lambda scoped: tasks.now(scoped, id))
        then = as_of
        return await self._ask_at_once(
            lambda scoped: tasks.as_of(scoped, id, self._point(scoped, then))
        )

    async def tasks(
        self,
        where: TaskFilter = TaskFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
        as_of: AsOf | None = None,
    ) -> Page[Task]:
        """Tasks, now or as of then."""
        then = await self._point_of(as_of)
        tasks = self._questions.tasks

        async def look(after: Key | None, rows: int) -> Sequence[Looked[Task]]:
            return await self._ask_at_once(
                lambda scoped: task_pages.look(scoped, tasks, where, then, after, rows)
            )

        return await page_of(look, cursor, limit)

    async def selection(self, where: Selected, limit: int) -> Selection:
        """Everything that is meant, up to a number, as one state has it."""
        questions = self._questions

        def question(session: Session) -> Selection:
            scoped = Scoped(session, self.organization)
            return session.read(lambda at: selection(at, questions, where, limit), scoped)

        return await self._reader.ask_aside(question)

    async def statuses_below(self, id: str) -> Mapping[Status, int]:
        """How many tasks below a task or project are in which status."""
        counts = self._questions.tasks.statuses_below
        return await self._ask(lambda scoped: counts(scoped, id))

    # ---------------------------------------------------------------------------- projects

    async def project(self, id: str, *, as_of: AsOf | None = None) -> Project | None:
        """The project, now or as of then."""
        asked = self._questions.projects
        if as_of is None:
            return await self._ask(lambda scoped: asked.now(scoped, id))
        then = as_of
        return await self._ask_at_once(
            lambda scoped: asked.as_of(scoped, id, self._point(scoped, then))
        )

    async def projects(
        self,
        where: ProjectFilter = ProjectFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
        as_of: AsOf | None = None,
    ) -> Page[Project]:
        """Projects, now or as of then."""
        then = await self._point_of(as_of)
        asked = self._questions.projects

        async def look(after: Key | None, rows: int) -> Sequence[Looked[Project]]:
            return await self._ask_at_once(
                lambda scoped: projects.look(scoped, asked, where, then, after, rows)
            )

        return await page_of(look, cursor, limit)

    # ----------------------------------------------------------------------------- history

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
        questions = self._questions
        spans = await self._ask_at_once(
            lambda scoped: spans_of(scoped, questions, where, start, cursor, newest_first)
        )
        return await page_of_lines(self._ask_at_once, questions, where, spans, limit, newest_first)

    async def every_line(
        self,
        where: HistoryFilter = HistoryFilter(),  # noqa: B008
        *,
        start: Frontier | None = None,
        end: Frontier | None = None,
    ) -> AsyncGenerator[HistoryLine, None]:
        """All lines so far, oldest first and without their decoded events, however many.

        From one frontier on, and up to another: what was cut off goes on where it was.
        """
        questions = self._questions
        spans = await self._ask_at_once(
            lambda scoped: spans_of(scoped, questions, where, start, None, newest_first=False)
        )
        if end is not None:
            spans = [each._replace(end=min(each.end, cut(end, each.partition))) for each in spans]
            spans = [each._replace(start=min(each.start, each.end)) for each in spans]
        while True:
            page = await page_of_lines(
                self._ask_at_once, questions, where, spans, PAGE_ROWS_LIMIT, False, False
            )
            for line in page.rows:
                yield line
            if page.next_cursor is None:
                return
            reached = read_cursor(page.next_cursor)
            spans = [each._replace(start=cut(reached, each.partition)) for each in spans]

    async def line_at(self, position: Position) -> HistoryLine | None:
        """The line at this position, if it is this organization's: where verdicts are read."""
        lines = self._questions.lines
        return await self._ask(lambda scoped: lines.at(scoped, position))

    async def receipt(self, event_id: UUID) -> Receipt | None:
        """What became of the request with this id; by the first line that has it."""
        return await self._ask_at_once(lambda scoped: receipt(scoped, self._questions, event_id))

    async def cancellations(
        self,
        where: CancellationFilter = CancellationFilter(),  # noqa: B008
        *,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[Cancellation]:
        """Cancellations, those asked for last first."""
        cancels = self._questions.cancels

        async def look(after: Key | None, rows: int) -> Sequence[Looked[Cancellation]]:
            return await self._ask_at_once(
                lambda scoped: stops.look(scoped, cancels, where, after, rows)
            )

        return await page_of(look, cursor, limit)

    # ------------------------------------------------------------------------------ asking

    async def _ask(self, question: Callable[[Scoped], Answer]) -> Answer:
        """A question whose look-ups needn't see the same state."""
        return await self._reader.ask(lambda session: question(Scoped(session, self.organization)))

    async def _ask_at_once(self, question: Callable[[Scoped], Answer]) -> Answer:
        """A question that sees one state from its begin to its end."""

        return await self._reader.ask(
            lambda session: session.read(question, Scoped(session, self.organization))
        )

    async def _point_of(self, as_of: AsOf | None) -> Point | None:
        if as_of is None:
            return None
        then = as_of
        return await self._ask_at_once(lambda scoped: self._point(scoped, then))

    def _point(self, scoped: Scoped, as_of: AsOf) -> Point:
        return self._questions.past.point(scoped.session, as_of)
