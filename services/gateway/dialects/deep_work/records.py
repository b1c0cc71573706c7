"""Deep Work's projects and tasks, field by field, and how ours become them.

A task's id there is the last part of its id here, which begins with its project's.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from events.words import ProjectStatus, Status
from services.gateway.dialects.moments import microseconds
from services.read_models.rows import Project, Task
from services.templates import as_text

ProjectWord = Literal[
    "draft", "planning", "awaiting_approval", "approved", "executing", "paused", "completed",
    "failed", "cancelled",
]  # fmt: skip
TaskWord = Literal["inbox", "assigned", "in_progress", "review", "done", "blocked", "skipped"]

PROJECT_WORDS: dict[ProjectStatus, ProjectWord] = {
    ProjectStatus.PLANNING: "planning",
    ProjectStatus.PLANNED: "awaiting_approval",
    ProjectStatus.EXECUTING: "executing",
    ProjectStatus.PAUSED: "paused",
    ProjectStatus.CANCELLING: "executing",
    ProjectStatus.CANCELLED: "cancelled",
    ProjectStatus.COMPLETED: "completed",
}
TASK_WORDS: dict[Status, TaskWord] = {
    Status.PENDING: "assigned",
    Status.RUNNING: "in_progress",
    Status.WAITING: "review",
    Status.CANCELLING: "in_progress",
    Status.SUCCEEDED: "done",
    Status.FAILED: "blocked",
    Status.CANCELLED: "skipped",
    Status.SKIPPED: "skipped",
    Status.MOVED: "assigned",
}
UNAPPROVED = (ProjectStatus.PLANNING, ProjectStatus.PLANNED)
LABEL = "deep-work."
DEPTH = f"{LABEL}research_depth"
ID = f"{LABEL}id"
"""The id that a task is shown with: by it alone it is found."""
CREATOR = "human"


class ProjectDocument(BaseModel):
    id: str
    title: str
    description: str
    status: ProjectWord
    planner_agent_id: str | None
    team_agent_ids: list[str]
    task_ids: list[str]
    prd_document_id: str | None
    creator_id: str
    tags: list[str]
    started_at: str | None
    completed_at: str | None
    created_at: str
    updated_at: str
    metadata: dict[str, Any]


class EnrichedProject(ProjectDocument):
    folder_path: str
    file_count: int


class TaskDocument(BaseModel):
    id: str
    title: str
    description: str
    status: TaskWord
    priority: Literal["low", "medium", "high", "urgent"]
    assignee_ids: list[str]
    creator_id: str
    parent_task_id: str | None
    blocked_by: list[str]
    tags: list[str]
    due_date: str | None
    started_at: str | None
    completed_at: str | None
    created_at: str
    updated_at: str
    metadata: dict[str, Any]
    project_id: str
    task_type: str
    blocks: list[str]
    active_description: str
    estimated_minutes: int | None
    output: str | None
    retry_count: int
    max_retries: int
    timeout_minutes: int | None
    error_message: str | None


class ProgressDocument(BaseModel):
    total: int
    completed: int
    skipped: int
    in_progress: int
    blocked: int
    human_pending: int
    percent: float


class Work(NamedTuple):
    """A project with its tasks, in the order of the plan."""

    project: Project
    tasks: tuple[Task, ...]


def project_document(work: Work) -> ProjectDocument:
    project = work.project
    asked = project.cancel.requested_at if project.cancel else None
    changed = project.finished_at or asked or project.started_at or project.created_at
    return ProjectDocument(
        id=project.id,
        title=project.spec.title,
        description=project.spec.description,
        status=PROJECT_WORDS[project.status],
        planner_agent_id=None,
        team_agent_ids=[],
        task_ids=[shown_id(task) for task in work.tasks],
        prd_document_id=None,
        creator_id=CREATOR,
        tags=[],
        started_at=microseconds(project.started_at) if project.started_at else None,
        completed_at=microseconds(project.finished_at) if project.finished_at else None,
        created_at=microseconds(project.created_at),
        updated_at=microseconds(changed),
        metadata=metadata_of(project),
    )


def metadata_of(project: Project) -> dict[str, Any]:
    depth = project.spec.labels.get(DEPTH)
    return {} if depth is None else {"research_depth": depth}


def enriched(work: Work) -> dict[str, Any]:
    """With what plans and lists have besides: there are no files here."""
    return project_document(work).model_dump() | {"folder_path": "", "file_count": 0}


def task_documents(work: Work) -> list[TaskDocument]:
    return [task_document(task, work) for task in work.tasks]


def task_document(task: Task, work: Work) -> TaskDocument:
    spec = task.spec
    word = TASK_WORDS[task.status]
    if task.status is Status.PENDING and work.project.status in UNAPPROVED:
        word = "inbox"
    blocks = [each for each in work.tasks if task.id in each.spec.depends_on]
    return TaskDocument(
        id=shown_id(task),
        title=spec.labels.get(f"{LABEL}title", spec.kind),
        description=spec.description,
        status=word,
        priority="medium",
        assignee_ids=[],
        creator_id=CREATOR,
        parent_task_id=None,
        blocked_by=[each.rpartition(".")[2] for each in spec.depends_on],
        tags=[],
        due_date=microseconds(spec.deadline) if spec.deadline else None,
        started_at=microseconds(task.started_at) if task.started_at else None,
        completed_at=microseconds(task.finished_at)
        if word == "done" and task.finished_at
        else None,
        created_at=microseconds(task.created_at),
        updated_at=microseconds(task.finished_at or task.started_at or task.created_at),
        metadata={},
        project_id=work.project.id,
        task_type=spec.labels.get(f"{LABEL}task_type", "agent"),
        blocks=[shown_id(each) for each in blocks],
        active_description="",
        estimated_minutes=None,
        output=None if task.result is None else as_text(task.result),
        retry_count=task.attempt - 1,
        max_retries=spec.max_attempts - 1,
        timeout_minutes=None,
        error_message=error_of(task),
    )


def error_of(task: Task) -> str | None:
    if task.status is Status.FAILED:
        return task.error
    if task.cancel is not None and TASK_WORDS[task.status] == "skipped":
        return "Task cancelled" if task.cancel.subject == task.id else "Project cancelled"
    return None


def progress(work: Work) -> ProgressDocument:
    words = [each.status for each in task_documents(work)]
    done, skipped = words.count("done"), words.count("skipped")
    percent = round((done + skipped) / len(words) * 100, 1) if words else 0.0
    return ProgressDocument(
        total=len(words),
        completed=done,
        skipped=skipped,
        in_progress=words.count("in_progress"),
        blocked=words.count("blocked"),
        human_pending=words.count("review"),
        percent=percent,
    )


def levels(work: Work) -> list[list[str]]:
    """Tasks by how many must come before them, at least."""
    level: dict[str, int] = {}
    for task in work.tasks:
        before = [level.get(each, -1) for each in task.spec.depends_on]
        level[task.id] = max(before, default=-1) + 1
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for task in work.tasks:
        found[level[task.id]].append(shown_id(task))
    return found


def shown_id(task: Task) -> str:
    return task.id.rpartition(".")[2]


def in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """As they were planned."""
    return tuple(
        sorted(
            tasks,
            key=lambda task: (
                task.created_at,
                task.spec.labels.get(f"{LABEL}number", ""),
                task.id,
            ),
        )
    )
