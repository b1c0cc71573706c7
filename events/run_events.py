"""Events of runs: what executors, and the watchdog in their stead, say happened."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema

from events.body import Body, Count, Json, JsonObject, Name, Ordinal, Part, Region, Text
from events.words import Evidence


def check_shown(evidence: Evidence) -> Evidence:
    if evidence is Evidence.PRESUMED:
        raise ValueError("an executor shows how a run ended; presuming is the watchdog's: RunLost")
    return evidence


Shown = Annotated[
    Evidence,
    AfterValidator(check_shown),
    WithJsonSchema(
        {"type": "string", "enum": [e.value for e in Evidence if e is not Evidence.PRESUMED]}
    ),
]
"""Evidence that somebody has seen."""


class OutputSummary(Part):
    """How much output a run gave, and how much of it didn't reach the output stream."""

    records: Count = 0
    bytes: Count = 0
    missing_records: Count = 0


class TaskStarted(Body):
    """Appended by an executor: a claim. Only when it is effective may the run's code start."""

    TYPE: ClassVar[str] = "countermand.task.started.v1"

    run_id: UUID
    attempt: Ordinal
    executor: Name
    region: Region = "local"
    remote: bool = False


class RunAttached(Body):
    """Appended by an executor: the handle by which the remote engine knows the run."""

    TYPE: ClassVar[str] = "countermand.run.attached.v1"

    run_id: UUID
    handle: JsonObject


class RunAdopted(Body):
    """Appended by an executor that takes over a remote run whose executor is gone."""

    TYPE: ClassVar[str] = "countermand.run.adopted.v1"

    run_id: UUID
    adoption: Ordinal
    """The how-manieth adoption of the run, so that a late duplicate can't undo a later one."""
    executor: Name
    from_executor: Name


class TaskWaiting(Body):
    """Appended by an executor: the run waits for somebody, e.g. for an approval."""

    TYPE: ClassVar[str] = "countermand.task.waiting.v1"

    run_id: UUID
    wait: Ordinal
    """The how-manieth wait of the task; one that was answered is never waited for again."""
    question: Text = ""


class TaskResumed(Body):
    """Appended by a gateway (an approval) or an executor: the wait is over."""

    TYPE: ClassVar[str] = "countermand.task.resumed.v1"

    wait: Ordinal
    answer: Json = None


class TaskCompleted(Body):
    """Appended by an executor: the run ended by itself, with a result."""

    TYPE: ClassVar[str] = "countermand.task.completed.v1"

    run_id: UUID
    result: Json = None
    output: OutputSummary = OutputSummary()


class TaskFailed(Body):
    """Appended by an executor: the run ended by itself, with an error."""

    TYPE: ClassVar[str] = "countermand.task.failed.v1"

    run_id: UUID
    error: Annotated[str, Field(max_length=20_000)]
    error_type: Name = "error"
    permanent: bool = False
    """Another attempt can't help, e.g. because the handler doesn't exist."""
    output: OutputSummary = OutputSummary()


class RunReleased(Body):
    """Appended by an executor once the run is checked to be gone; it doesn't count as a failure."""

    TYPE: ClassVar[str] = "countermand.run.released.v1"

    run_id: UUID
    evidence: Shown
    output: OutputSummary = OutputSummary()


class RunLost(Body):
    """Appended by the watchdog: the lease is over, and a guardian has killed the run by now."""

    TYPE: ClassVar[str] = "countermand.run.lost.v1"

    run_id: UUID
    executor: Name
