"""What may be asked for beside what a method names: fields of what is made, and filters of lists.

A filter that is None is none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

Labels = Mapping[str, str]


class _Work(TypedDict, total=False):
    """What a task may say of itself, alone or in a project."""

    secrets: Mapping[str, str]
    description: str
    labels: Labels
    requires: Labels
    depends_on: Sequence[str]
    region: str
    not_before: str
    deadline: str
    grace_seconds: float
    stop_within_seconds: float
    max_attempts: int
    backoff_seconds: float
    backoff_limit_seconds: float
    isolation: Literal["shared", "isolated"]


class TaskFields(_Work, total=False):
    """Of a task."""

    project: str
    parent: str
    rerun_of: str


class ProjectFields(TypedDict, total=False):
    """Of a project."""

    id: str
    title: str
    description: str
    labels: Labels
    region: str
    tasks: Sequence[Mapping[str, Any]]
    planned: bool
    approved: bool
    reason: str


class ProjectWhere(TypedDict, total=False):
    """Which projects."""

    status: str | Sequence[str] | None
    created_from: str | None
    created_before: str | None
    as_of: str | None


class TaskWhere(ProjectWhere, total=False):
    """Which tasks."""

    evidence: str | Sequence[str] | None
    kind: str | None
    project: str | None
    parent: str | None
    root: str | None
    label: str | None
    actor: str | None
    region: str | None
    executor: str | None


class ExportWhere(TypedDict, total=False):
    """Which events."""

    task: str | None
    project: str | None
    root: str | None
    actor: str | None
    type: str | Sequence[str] | None
    verdict: str | None
    appended_from: str | None
    appended_before: str | None


class HistoryWhere(ExportWhere, total=False):
    """Which events, and in which order."""

    start: str | None
    newest_first: bool | None
