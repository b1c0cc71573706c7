"""Questions about projects: one or many, now or as of a point of the past."""

from sqlalchemy import bindparam, select

from projections import tables
from projections.moments import us
from projections.place import position
from services.read_models import answers
from services.read_models.answers import Noticed, ProjectAfter
from services.read_models.cancels import CancelQuestions
from services.read_models.database import Database
from services.read_models.paging import Key, Looked, newest_first
from services.read_models.past import Point
from services.read_models.questions import ProjectFilter
from services.read_models.rows import Project
from services.read_models.scope import Scoped, compiled, of_organization

AFTER = [column.name for column in tables.project_after()]


class ProjectQuestions:
    """Compiled once."""

    def __init__(self, database: Database, cancels: CancelQuestions) -> None:
        self._cancels = cancels
        projects, history, changes = tables.projects, tables.history, tables.project_changes
        self._now = compiled(
            database,
            of_organization(
                projects,
                history.c.value,
                projects.c.changed,
                *(projects.c[name] for name in AFTER),
            )
            .join(history, history.c.place == projects.c.created)
            .where(projects.c.id == bindparam("id")),
        )
        self._created = compiled(
            database,
            of_organization(projects, projects.c.created, history.c.value)
            .join(history, history.c.place == projects.c.created)
            .where(projects.c.id == bindparam("id")),
        )
        self._change = compiled(
            database,
            of_organization(changes, changes.c.place, *(changes.c[name] for name in AFTER))
            .where(changes.c.id == bindparam("id"), changes.c.place < bindparam("end"))
            .order_by(changes.c.place.desc())
            .limit(1),
        )

    def now(self, scoped: Scoped, id: str) -> Project | None:
        row = scoped.first(self._now, id=id)
        if row is None:
            return None
        created, changed, *after = row
        return self._project(scoped, id, created, ProjectAfter(*after), changed)

    def as_of(self, scoped: Scoped, id: str, point: Point) -> Project | None:
        first = scoped.first(self._created, id=id)
        if first is None:
            return None
        place, created = first
        end = point.end(position(place).partition)
        row = scoped.first(self._change, id=id, end=end)
        if row is None:
            return None
        changed, *after = row
        return self._project(scoped, id, created, ProjectAfter(*after), changed)

    def _project(
        self, scoped: Scoped, id: str, created: bytes, after: ProjectAfter, changed: int
    ) -> Project:
        cancel = self._cancels.in_force(scoped, id, after, Noticed())
        return answers.project(scoped.organization, id, created, after, cancel, changed)


def look(
    scoped: Scoped,
    projects: ProjectQuestions,
    where: ProjectFilter,
    as_of: Point | None,
    after: Key | None,
    rows: int,
) -> list[Looked[Project]]:
    """The projects behind a key, with those that are meant."""
    table = tables.projects
    statement = select(table.c.created_us, table.c.id)
    if where.created_from is not None:
        statement = statement.where(table.c.created_us >= us(where.created_from))
    if where.created_before is not None:
        statement = statement.where(table.c.created_us < us(where.created_before))
    found = scoped.select(table, newest_first(statement, table, "created_us", after, rows))
    looked = []
    for created_us, id in found:
        project = projects.now(scoped, id) if as_of is None else projects.as_of(scoped, id, as_of)
        meant = project and (where.status is None or project.status in where.status)
        looked.append(Looked(Key(created_us, id), project if meant else None))
    return looked
