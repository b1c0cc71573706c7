"""What callers may ask for, with the bounds of each field."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from events.body import Json, JsonObject, Moment, Name, Ordinal, Region, Seconds, SubjectId, Text
from events.ids import DEPTH_LIMIT, LIMIT_CHARACTERS, PATTERN
from events.task_events import Labels
from events.words import Mode
from services.secrets.sealing import GivenSecrets

Id = Annotated[
    str,
    StringConstraints(pattern=f"^{PATTERN}$", min_length=1, max_length=LIMIT_CHARACTERS),
    Field(
        description="Letters, digits, '_' and '-', in segments joined by '.'; an id below a root "
        f"begins with the root's. At most {DEPTH_LIMIT} levels.",
        examples=["import-7"],
    ),
]


class Request(BaseModel):
    """Refuses what it doesn't know: a typing error is answered, not ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class TaskRequest(Request):
    """A task to submit."""

    kind: Name = Field(description="What is to be run: a handler's or a runtime's name.")
    id: Id | None = Field(None, description="Yours to choose; without one it is made.")
    payload: JsonObject = Field(default_factory=dict)
    secrets: GivenSecrets = Field(
        default_factory=dict,
        repr=False,
        description="What only the run may read, by the names that its handler declares: kept as "
        "ciphertext, beyond recovery once the task has ended.",
    )
    description: Text = ""
    labels: Labels = Field(default_factory=dict)
    requires: Labels = Field(
        default_factory=dict, description="Labels that an executor must have to run this."
    )
    project: SubjectId | None = None
    parent: SubjectId | None = None
    depends_on: Annotated[tuple[SubjectId, ...], Field(max_length=1000)] = ()
    region: Region | None = None
    not_before: Moment | None = None
    deadline: Moment | None = None
    grace_seconds: Seconds = 10.0
    stop_within_seconds: Seconds | None = None
    max_attempts: Ordinal = 1
    backoff_seconds: Seconds = 1.0
    backoff_limit_seconds: Seconds = 300.0
    isolation: Literal["shared", "isolated"] | None = None
    rerun_of: SubjectId | None = None


class CancelRequest(Request):
    """How to stop."""

    reason: Text = Field("", description="Why; it is kept in the history.")
    mode: Mode = Mode.GRACEFUL
    grace_seconds: Seconds | None = Field(None, description="Without one, the task's own.")
    if_unknown: Literal["refuse", "hold"] = Field(
        "refuse", description="`hold` keeps the cancel for a task that comes later."
    )
    hold_seconds: Seconds = 3600.0
    region: Region | None = Field(
        None, description="The task's home, if it isn't known here. It is decided there."
    )
    expires_at: Moment | None = Field(
        None, description="Not decided by then, the cancel is void: `expired`."
    )


class ProjectCancelBody(Request):
    """How to stop a project."""

    reason: Text = ""
    mode: Mode = Mode.GRACEFUL
    grace_seconds: Seconds | None = None
    region: Region | None = Field(
        None, description="The project's home, if it isn't known here. It is decided there."
    )


class ReasonBody(Request):
    """Why."""

    reason: Text = ""


class ApproveRequest(ReasonBody):
    """An answer to what a run waits for."""

    wait: Ordinal | None = Field(None, description="Which wait is meant; without it, this one.")
    answer: Json = None
    region: Region | None = Field(None, description="The task's home, if it isn't known here.")


class AttemptRequest(ReasonBody):
    """Retry a failed task, or skip one."""

    attempt: Ordinal | None = Field(None, description="Which attempt is meant; else, this one.")
    region: Region | None = Field(None, description="The task's home, if it isn't known here.")


class MoveRequest(ReasonBody):
    """Bring a root to this region."""

    region: Region | None = Field(None, description="Its home, if that isn't known here.")


class PlanRequest(ReasonBody):
    """The plan is complete."""

    plan: Ordinal | None = Field(None, description="Which plan this is; else, the next.")
    tasks: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="How many tasks the project has; else, as many as are there."
    )


class PlanNumber(ReasonBody):
    """Approve a plan."""

    plan: Ordinal | None = Field(None, description="Which plan is meant; else, this one.")


class PauseNumber(ReasonBody):
    """Pause or resume."""

    pause: Ordinal | None = Field(None, description="Which pause is meant; else, the one due.")


class ProjectTask(Request):
    """A task of a new project. Its id, and those it depends on, may leave out the project's."""

    kind: Name
    id: Id | None = None
    payload: JsonObject = Field(default_factory=dict)
    secrets: GivenSecrets = Field(default_factory=dict, repr=False)
    description: Text = ""
    labels: Labels = Field(default_factory=dict)
    requires: Labels = Field(default_factory=dict)
    depends_on: Annotated[tuple[SubjectId, ...], Field(max_length=1000)] = ()
    region: Region | None = None
    not_before: Moment | None = None
    deadline: Moment | None = None
    grace_seconds: Seconds = 10.0
    stop_within_seconds: Seconds | None = None
    max_attempts: Ordinal = 1
    backoff_seconds: Seconds = 1.0
    backoff_limit_seconds: Seconds = 300.0
    isolation: Literal["shared", "isolated"] | None = None


class ProjectRequest(Request):
    """A project to create, with its tasks if they are known."""

    id: (
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
        | None
    ) = None
    title: Text = ""
    description: Text = ""
    labels: Labels = Field(default_factory=dict)
    region: Region | None = None
    tasks: tuple[ProjectTask, ...] = ()
    planned: bool | None = Field(
        None, description="The plan is complete with these tasks; else, if there are any."
    )
    approved: bool = Field(False, description="Execute it at once.")
    reason: Text = ""
