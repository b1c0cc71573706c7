"""What may be asked for: filters, and points of the past."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

from events.errors import CountermandError
from events.positions import Frontier, Position
from events.words import Evidence, ProjectStatus, Status, Verdict

PAGE_ROWS_LIMIT = 1000

AsOf: TypeAlias = Position | Frontier | datetime
"""A position: everything up to and with that record, in its partition; a frontier: everything
before it in every partition; a time: of each partition the longest prefix whose append times are
not later."""


class InvalidCursor(CountermandError):
    """A page cursor that none of our answers gave."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:80]!r} is no page cursor: send back `next_cursor` as it came")
        self.text = text


class TaskFilter(NamedTuple):
    """Which tasks. What is None doesn't matter; everything else must hold."""

    status: Collection[Status] | None = None
    evidence: Collection[Evidence] | None = None
    kind: str | None = None
    project: str | None = None
    """Everything in that project, at any depth."""
    parent: str | None = None
    """Directly below that task or project."""
    root: str | None = None
    label: tuple[str, str] | None = None
    """A name and its value."""
    actor: tuple[str, str] | None = None
    """Kind and id of who submitted it."""
    region: str | None = None
    executor: str | None = None
    """Who has its run, or had its last one."""
    created_from: datetime | None = None
    created_before: datetime | None = None


class Selected(NamedTuple):
    """Which tasks one order is to stop. What is None doesn't matter; everything else must hold."""

    status: Collection[Status]
    project: str | None = None
    kind: str | None = None
    labels: Mapping[str, str] = {}
    actor: tuple[str, str] | None = None
    region: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


class ProjectFilter(NamedTuple):
    """Which projects."""

    status: Collection[ProjectStatus] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


class HistoryFilter(NamedTuple):
    """Which lines of the history. At most one of `task`, `project`, `root` is useful."""

    task: str | None = None
    """Its own lines, and those of its ancestors' cancels with its own verdict."""
    project: str | None = None
    root: str | None = None
    actor: tuple[str, str] | None = None
    """Kind and id."""
    types: Collection[str] | None = None
    """Type tags, e.g. `CancelRequested.TYPE`."""
    verdict: Verdict | None = None
    appended_from: datetime | None = None
    appended_before: datetime | None = None
    """By append time, each bound read as a point of the past is."""


class CancellationFilter(NamedTuple):
    """Which cancellations."""

    stopped: bool | None = None
    overdue_at: datetime | None = None
    """Only those that are not stopped and whose grace was over at this time."""
    requested_from: datetime | None = None
    requested_before: datetime | None = None
