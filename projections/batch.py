"""The fold of some entries into the rows that they change: one event, counted once.

Rows that several entries of a batch change are written once, as the last of them left them; so the
same entries cut into other batches end in the same tables.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.event import Event
from events.state import ProjectState, TaskState
from events.words import Verdict
from projections import cancellation_rows, history_rows, project_rows, task_rows
from projections.checkpoint import Checkpoint, Course
from projections.entry import Entry
from projections.moments import us
from projections.place import Place, Stored
from projections.stops import is_a_stop
from projections.task_rows import Cells

Key: TypeAlias = tuple[str, str]
"""Organization and id."""


class Alike(NamedTuple):
    """Rows of `task_status` that are changed to the same cells."""

    organization: str
    cells: Cells
    """What may change of them, in the order of the columns."""
    ids: list[str]


class Rows(NamedTuple):
    """What a batch puts into each table, in this order; plain tuples of plain cells."""

    history: list[Cells]
    history_below: list[Cells]
    changes_below: list[Cells]
    alike: list[tuple[str, Cells, list[str]]]
    task_status: list[Cells]
    task_labels: list[Cells]
    projects: list[Cells]
    project_changes: list[Cells]
    cancellations: list[Cells]
    observed: list[Cells]
    """When, organization and id: as the next one."""
    unconfirmed: list[Cells]
    roots: list[Cells]


class Latest(NamedTuple):
    """A task as the last entry about it leaves it. Its row is made once, when that is known."""

    fixed: Cells
    """The columns that never change."""
    task: TaskState
    after: Cells
    changed: Place


@dataclass(slots=True)
class Batch:
    """What some entries do to the tables, in the order of the tables' columns."""

    checkpoints: dict[int, Checkpoint]
    """How far each partition has come with them."""
    history: list[Cells] = field(default_factory=list)
    history_below: list[Cells] = field(default_factory=list)
    changes_below: list[Cells] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)
    """Tasks that are changed to the same; before `task_status`, which is how they ended."""
    tasks: dict[Key, Latest] = field(default_factory=dict)
    task_labels: list[Cells] = field(default_factory=list)
    projects: dict[Key, Cells] = field(default_factory=dict)
    project_changes: list[Cells] = field(default_factory=list)
    cancellations: dict[Key, Cells] = field(default_factory=dict)
    observed: dict[Key, int] = field(default_factory=dict)
    """When a run was first told to stop."""
    unconfirmed: dict[Key, int] = field(default_factory=dict)
    """When it was last said that a stop isn't confirmed."""
    roots: dict[str, Cells] = field(default_factory=dict)

    def rows(self) -> Rows:
        return Rows(
            self.history,
            self.history_below,
            self.changes_below,
            [(organization, cells, ids) for organization, cells, ids in self.alike],
            self.task_status(),
            self.task_labels,
            [*self.projects.values()],
            self.project_changes,
            [
                cancellation_rows.noticed(row, self.observed.get(key), self.unconfirmed.get(key))
                for key, row in self.cancellations.items()
            ],
            self._without_a_row(self.observed),
            self._without_a_row(self.unconfirmed),
            [*self.roots.values()],
        )

    def _without_a_row(self, times: Mapping[Key, int]) -> list[Cells]:
        """What is said of stops that have no row in this batch: a statement for each."""
        return [(at, *key) for key, at in times.items() if key not in self.cancellations]

    def task_status(self) -> list[Cells]:
        return [
            fixed + after + task_rows.ending(task, changed)
            for fixed, task, after, changed in self.tasks.values()
        ]


def folded(checkpoints: Mapping[int, Checkpoint], entries: Iterable[Entry]) -> Batch:
    """The rows of these entries, which go on where the checkpoints are."""
    course, batch = Course(checkpoints), Batch({})
    stored = course.stored
    for entry in entries:
        add(batch, stored(entry.record), entry)
    batch.checkpoints = course.checkpoints()
    return batch


def add(batch: Batch, stored: Stored, entry: Entry) -> None:
    """The rows of one entry."""
    _, event, outcome, trouble, subject, live, root = entry
    if event is None:
        batch.history.append(history_rows.malformed(stored, outcome, trouble))
        return
    here = stored[0]
    after = task_rows.after(subject) if isinstance(subject, TaskState) else None
    batch.history.append(history_rows.line(stored, event, outcome, subject, after))
    below = []
    for task in outcome.tasks:
        if task.id != event.subject:
            below.append(task)
        else:
            known = after if task is subject and after else task_rows.after(task)
            add_task(batch, event, here, task, known)
    if below:
        add_below(batch, event, here, below)
    if outcome.project is not None:
        add_project(batch, event, here, outcome.project)
    if outcome.verdict is Verdict.NOTED:
        if not outcome.tasks and isinstance(subject, TaskState) and after:
            add_task(batch, event, here, subject, after)
        add_note(batch, event)
    if live is not None:
        before = batch.roots.get(root)
        batch.roots[root] = (root, before[1] if before else here, live + 0)


def add_task(batch: Batch, event: Event, here: Place, task: TaskState, after: Cells) -> None:
    organization = event.organization
    key = (organization, task.id)
    before = batch.tasks.get(key)
    if before is not None:
        fixed = before.fixed
    elif event.id == task.submission_id:
        fixed = task_rows.identity(organization, task) + task_rows.submission(task, here)
        if task.spec.labels:
            batch.task_labels.extend(task_rows.labels(organization, task))
    else:
        fixed = task_rows.identity(organization, task) + task_rows.UNKNOWN_SUBMISSION
    batch.tasks[key] = Latest(fixed, task, after, here)
    add_cancellation(batch, event, task)


def add_below(batch: Batch, event: Event, here: Place, tasks: Sequence[TaskState]) -> None:
    """What an event did to tasks below its subject: most of them are left alike."""
    organization = event.organization
    variants: dict[Cells, int] = {}
    alike: list[list[str]] = []
    after_of = task_rows.after_of_many()
    for task in tasks:
        after = after_of(task)
        cells = after + task_rows.ending(task, here)
        variant = variants.get(cells)
        if variant is None:
            variant = variants[cells] = len(variants)
            alike.append([])
            batch.changes_below.append((organization, event.root, here, variant, *after))
        batch.history_below.append((organization, task.id, here, variant))
        if (organization, task.id) in batch.tasks:
            add_task(batch, event, here, task, after)
        else:
            alike[variant].append(task.id)
            add_cancellation(batch, event, task)
    for cells, variant in variants.items():
        if alike[variant]:
            batch.alike.append(Alike(organization, cells, alike[variant]))


def add_cancellation(batch: Batch, event: Event, task: TaskState) -> None:
    cancel = task.cancel
    if cancel is not None and is_a_stop(task, cancel):
        key = (event.organization, task.id)
        row = cancellation_rows.of_task(event.organization, task, cancel, event)
        batch.cancellations[key] = cancellation_rows.merged(batch.cancellations.get(key), row)


def add_project(batch: Batch, event: Event, here: Place, project: ProjectState) -> None:
    organization = event.organization
    key = (organization, project.id)
    after = project_rows.after(project)
    before = batch.projects.get(key)
    if before is not None:
        fixed = before[: project_rows.FIXED]
    else:
        created = here if event.id == project.creation_id else project_rows.UNKNOWN_CREATION
        fixed = (*project_rows.identity(organization, project), created)
    batch.projects[key] = (*fixed, *after, here)
    batch.project_changes.append((organization, project.id, here, *after))
    cancel = project.cancel
    if cancel is not None and (event.subject == project.id or project.finished):
        row = cancellation_rows.of_project(organization, project, cancel, event)
        batch.cancellations[key] = cancellation_rows.merged(batch.cancellations.get(key), row)


def add_note(batch: Batch, event: Event) -> None:
    key = (event.organization, event.subject)
    match event.data:
        case CancelObserved():
            batch.observed.setdefault(key, us(event.time))
        case CancelUnconfirmed():
            batch.unconfirmed[key] = us(event.time)
        case _:
            pass
