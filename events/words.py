"""The closed vocabularies that events, verdicts and read models share."""

from enum import StrEnum


class Status(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    MOVED = "moved"
    """Another region's log says what becomes of it."""


TERMINAL = frozenset(
    {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.MOVED}
)
ACTIVE = frozenset({Status.RUNNING, Status.WAITING, Status.CANCELLING})
"""The statuses in which a run may be alive."""


class ProjectStatus(StrEnum):
    """Where a project stands."""

    PLANNING = "planning"
    PLANNED = "planned"
    EXECUTING = "executing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


PROJECT_FINISHED = frozenset({ProjectStatus.CANCELLED, ProjectStatus.COMPLETED})


class Mode(StrEnum):
    """How a cancel treats a run: ask first, or force at once."""

    GRACEFUL = "graceful"
    FORCE = "force"


class Origin(StrEnum):
    """What made somebody ask for a cancel."""

    REQUEST = "request"
    DEADLINE = "deadline"
    BULK = "bulk"


class Evidence(StrEnum):
    """How it is known that a run stopped, strongest first."""

    NEVER_STARTED = "never_started"
    ACKNOWLEDGED = "acknowledged"
    EXITED = "exited"
    KILLED = "killed"
    REMOTE_ACKNOWLEDGED = "remote_acknowledged"
    RAN_TO_END = "ran_to_end"
    PRESUMED = "presumed"


class Verdict(StrEnum):
    """What an event did at its place in the log."""

    EFFECTIVE = "effective"
    NOTED = "noted"
    VOID = "void"


class Reason(StrEnum):
    """Why an event is void, or why it is only noted."""

    # requests
    DUPLICATE = "duplicate"
    ID_TAKEN = "id_taken"
    ALREADY_FINISHED = "already_finished"
    ALREADY_CANCELLING = "already_cancelling"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_PROJECT = "unknown_project"
    UNKNOWN_PARENT = "unknown_parent"
    ABOVE_FINISHED = "above_finished"
    PLAN_IS_FULL = "plan_is_full"
    DEPENDENCY_ELSEWHERE = "dependency_elsewhere"
    TOO_MANY_HELD = "too_many_held"
    NOT_SKIPPABLE = "not_skippable"
    NOT_FAILED = "not_failed"
    WRONG_PROJECT_STATUS = "wrong_project_status"
    WRONG_COUNTER = "wrong_counter"
    EXPIRED = "expired"
    MOVED = "moved"
    NOT_MOVABLE = "not_movable"
    # claims
    NOT_PENDING = "not_pending"
    WRONG_ATTEMPT = "wrong_attempt"
    WRONG_REGION = "wrong_region"
    PROJECT_NOT_EXECUTING = "project_not_executing"
    PROJECT_INCOMPLETE = "project_incomplete"
    DEPENDENCIES_UNMET = "dependencies_unmet"
    TOO_EARLY = "too_early"
    # runs
    NOT_CURRENT_RUN = "not_current_run"
    NOT_CANCELLING = "not_cancelling"
    NOT_WAITING = "not_waiting"
    NOT_REMOTE = "not_remote"
    NOT_LOSABLE = "not_losable"
    AFTER_PRESUMED = "after_presumed"
    CLOSES_HISTORY = "closes_history"
    # records that are no events
    MALFORMED = "malformed"
