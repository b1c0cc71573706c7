"""Events that begin a task, or change what is to become of it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from events.body import (
    Body,
    Count,
    JsonObject,
    Moment,
    Name,
    Ordinal,
    Region,
    Seconds,
    SubjectId,
    Text,
)

Labels = Annotated[dict[Name, Annotated[str, Field(max_length=1000)]], Field(max_length=64)]


class TaskSubmitted(Body):
    """Appended by a gateway, or by a run for its children. From then on the id is taken."""

    TYPE: ClassVar[str] = "countermand.task.submitted.v1"

    kind: Name
    payload: JsonObject = {}
    description: Text = ""
    labels: Labels = {}
    requires: Labels = {}
    """Labels that an executor must have to run this."""
    project: SubjectId | None = None
    parent: SubjectId | None = None
    depends_on: Annotated[tuple[SubjectId, ...], Field(max_length=1000)] = ()
    region: Region = "local"
    not_before: Moment | None = None
    deadline: Moment | None = None
    grace_seconds: Seconds = 10.0
    stop_within_seconds: Seconds | None = None
    """The cancellation budget: a stop that takes longer is noted and counted."""
    max_attempts: Ordinal = 1
    backoff_seconds: Seconds = 1.0
    backoff_limit_seconds: Seconds = 300.0
    isolation: Literal["shared", "isolated"] | None = None
    rerun_of: SubjectId | None = None
    secrets_ciphertext: str | None = None
    secrets_key_id: Name | None = None


class TaskSkipped(Body):
    """Appended by a gateway. The task will never run, and what depends on it may."""

    TYPE: ClassVar[str] = "countermand.task.skipped.v1"

    attempt: Ordinal
    """The attempt that is given up, so that a late duplicate can't skip a later one."""


class TaskRetried(Body):
    """Appended by a gateway. A failed task is pending again: the one way out of an end."""

    TYPE: ClassVar[str] = "countermand.task.retried.v1"

    attempt: Ordinal
    """The attempt that failed."""


class TaskProgressed(Body):
    """Appended by an executor to the output stream, for its run."""

    TYPE: ClassVar[str] = "countermand.task.progressed.v1"

    run_id: UUID
    number: Count
    fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    step: Text = ""


class TaskOutput(Body):
    """Appended by an executor to the output stream, for its run."""

    TYPE: ClassVar[str] = "countermand.task.output.v1"

    run_id: UUID
    number: Count
    channel: Literal["stdout", "stderr", "chunk"] = "chunk"
    content: JsonObject | str
