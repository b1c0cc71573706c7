"""The fold of some entries into the rows that they change: one event, counted once.

Rows that several entries of a batch change are written once, as the last of them left them; so the
same entries cut into other batches end in the same tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from events.cancel_events import CancelObserved, CancelUnconfirmed
from events.event import Event
from events.state import ProjectState, TaskState
from events.task_events import TaskSubmitted
from events.words import Verdict
from projections import cancellation_rows, history_rows, project_rows, task_rows
from projections.checkpoint import BEGINNING, Checkpoint, OutOfOrder, digest_of
from projections.entry import Entry
from projections.moments import us
from projections.place import Place, place
from projections.task_rows import Cells

Key: TypeAlias = tuple[str, str]
"""Organization and id."""


@dataclass(slots=True)
class Batch:
    """What some entries do to the tables, in the order of the tables' columns."""

    checkpoints: dict[int, Checkpoint]
    """How far each partition has come with them."""
    last_values: dict[int, bytes] = field(default_factory=dict)
    entries: int = 0
    history: list[Cells] = field(default_factory=list)
    history_below: list[Cells] = field(default_factory=list)
    task_status: dict[Key, Cells] = field(default_factory=dict)
    task_labels: list[Cells] = field(default_factory=list)
    projects: dict[Key, Cells] = field(default_factory=dict)
    project_changes: list[Cells] = field(default_factory=list)
    cancellations: dict[Key, Cells] = field(default_factory=dict)
    observed: dict[Key, int] = field(default_factory=dict)
    """When a run was first told to stop."""
    unconfirmed: dict[Key, int] = field(default_factory=dict)
    """When it was last said that a stop isn't confirmed."""
    roots: dict[str, Cells] = field(default_factory=dict)


def folded(checkpoints: Mapping[int, Checkpoint], entries: Iterable[Entry]) -> Batch:
    """The rows of these entries, which go on where the checkpoints are."""
    batch = Batch(dict(checkpoints))
    for entry in entries:
        add(batch, entry)
    for partition, value in batch.last_values.items():
        reached = batch.checkpoints[partition]
        batch.checkpoints[partition] = reached._replace(digest=digest_of(value))
    return batch


def add(batch: Batch, entry: Entry) -> None:
    """The rows of one entry."""
    record, event, outcome, trouble, after, live = entry
    partition, offset = record.position
    reached = batch.checkpoints.get(partition, BEGINNING)
    if offset < reached.next_offset:
        raise OutOfOrder(record.position, reached.next_offset)
    latest_us = max(reached.latest_us, record.appended_at_us)
    batch.checkpoints[partition] = Checkpoint(offset + 1, reached.digest, latest_us)
    batch.last_values[partition] = record.value
    batch.entries += 1
    here = place(record.position)
    stored = (here, record.appended_at_us, latest_us, record.value)
    if event is None:
        batch.history.append(history_rows.malformed(stored, outcome, trouble))
        return
    batch.history.append(history_rows.line(stored, event, outcome, after))
    for task in outcome.tasks:
        add_task(batch, event, here, task)
    if outcome.verdict is Verdict.NOTED and not outcome.tasks and isinstance(after, TaskState):
        add_task(batch, event, here, after)
    if outcome.project is not None:
        add_project(batch, event, here, outcome.project)
    if outcome.verdict is Verdict.NOTED:
        add_note(batch, event)
    if live is not None:
        before = batch.roots.get(event.key)
        first = before[1] if before else here
        batch.roots[event.key] = (event.key, first, live + 0)


def add_task(batch: Batch, event: Event, here: Place, task: TaskState) -> None:
    organization = event.organization
    key = (organization, task.id)
    after = task_rows.after(task)
    before = batch.task_status.get(key)
    if before is not None:
        fixed = before[: task_rows.FIXED]
    else:
        fixed = task_rows.identity(organization, task)
        if event.id == task.submission_id and isinstance(event.data, TaskSubmitted):
            fixed += task_rows.submission(event, here)
            if task.spec.labels:
                batch.task_labels.extend(task_rows.labels(organization, task))
        else:
            fixed += task_rows.UNKNOWN_SUBMISSION
    batch.task_status[key] = fixed + after + task_rows.ending(task, here)
    if task.id != event.subject:
        batch.history_below.append((organization, task.id, here, *after))
    cancel = task.cancel
    if cancel is not None and cancellation_rows.worth_a_row(task, cancel):
        row = cancellation_rows.of_task(organization, task, cancel, event)
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
