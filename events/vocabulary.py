"""The closed union of everything that can be in the log."""

from typing import TypeAlias

from events.cancel_events import (
    CancelDenied,
    CancelObserved,
    CancelOverran,
    CancelRequested,
    CancelUnconfirmed,
    TaskCancelled,
)
from events.executor_events import ExecutorSteered
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.region_events import RequestAddressed, RootHandedOver, RootTakenOver
from events.run_events import (
    RunAdopted,
    RunAttached,
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.task_events import (
    TaskOutput,
    TaskProgressed,
    TaskRetried,
    TaskSkipped,
    TaskSubmitted,
)

HistoryBody: TypeAlias = (
    TaskSubmitted
    | TaskStarted
    | RunAttached
    | RunAdopted
    | TaskWaiting
    | TaskResumed
    | CancelRequested
    | CancelObserved
    | CancelUnconfirmed
    | CancelOverran
    | TaskCancelled
    | TaskCompleted
    | TaskFailed
    | RunReleased
    | RunLost
    | TaskSkipped
    | TaskRetried
    | ProjectCreated
    | ProjectPlanned
    | ProjectApproved
    | ProjectPaused
    | ProjectResumed
    | ProjectCancelRequested
    | CancelDenied
    | ExecutorSteered
    | RequestAddressed
    | RootHandedOver
    | RootTakenOver
)
"""What the fold reads: kept for ever."""

RunBody: TypeAlias = (
    RunAttached
    | RunAdopted
    | TaskWaiting
    | CancelObserved
    | CancelUnconfirmed
    | TaskCancelled
    | TaskCompleted
    | TaskFailed
    | RunReleased
)
"""What the executor of a run says of it."""

KnownTaskBody: TypeAlias = (
    RunBody | TaskStarted | TaskResumed | TaskSkipped | TaskRetried | RunLost | CancelOverran
)
"""What can only be said of a task that is there."""

OutputBody: TypeAlias = TaskProgressed | TaskOutput
"""What the output stream holds: kept for a time."""

AnyBody: TypeAlias = HistoryBody | OutputBody

HISTORY_BODIES: tuple[type[HistoryBody], ...] = HistoryBody.__args__
OUTPUT_BODIES: tuple[type[OutputBody], ...] = OutputBody.__args__
