"""The native API from Python: `Client` for asyncio, `SyncClient` for scripts.

    async with Client("http://127.0.0.1:8700", key) as client:
        task = await client.submit("sleep", {"seconds": 60})
        receipt = await client.cancel(task["id"], reason="wrong input")

Answers are the API's documents as typed dictionaries. Every write carries an Idempotency-Key, so
that it may be repeated safely, and is, when the connection fails. Knows HTTP; imports nothing else
of Countermand.
"""

from countermand.client.client import DEFAULT_URL, Client
from countermand.client.documents.asked import (
    ExportWhere,
    HistoryWhere,
    ProjectFields,
    ProjectWhere,
    TaskFields,
    TaskWhere,
)
from countermand.client.documents.bulk_cancels import BulkCancel, BulkItem, BulkPreview
from countermand.client.documents.executors import Executor, ExecutorRun
from countermand.client.documents.history import ExportedRow, Frame, HistoryLine
from countermand.client.documents.pulse import (
    DeadlineCounts,
    ExecutorCounts,
    OverdueStop,
    PhaseTimes,
    Pulse,
    PulseGroup,
    PulseWindow,
)
from countermand.client.documents.receipts import Receipt, Submitted
from countermand.client.documents.regions import AtHome, KnownRegion, Regions, RequestAbroad
from countermand.client.documents.tasks import Actor, Cancel, Progress, Project, Task
from countermand.client.documents.webhooks import (
    DeadDelivery,
    Endpoint,
    MadeEndpoint,
    WatchedEndpoint,
)
from countermand.client.problems import Problem
from countermand.client.streamed import CLOSING, position_of, read_positions, written_positions
from countermand.client.sync import SyncClient

__all__ = [
    "CLOSING",
    "DEFAULT_URL",
    "Actor",
    "AtHome",
    "BulkCancel",
    "BulkItem",
    "BulkPreview",
    "Cancel",
    "Client",
    "DeadDelivery",
    "DeadlineCounts",
    "Endpoint",
    "Executor",
    "ExecutorCounts",
    "ExecutorRun",
    "ExportWhere",
    "ExportedRow",
    "Frame",
    "HistoryLine",
    "HistoryWhere",
    "KnownRegion",
    "MadeEndpoint",
    "OverdueStop",
    "PhaseTimes",
    "Problem",
    "Progress",
    "Project",
    "ProjectFields",
    "ProjectWhere",
    "Pulse",
    "PulseGroup",
    "PulseWindow",
    "Receipt",
    "Regions",
    "RequestAbroad",
    "Submitted",
    "SyncClient",
    "Task",
    "TaskFields",
    "TaskWhere",
    "WatchedEndpoint",
    "position_of",
    "read_positions",
    "written_positions",
]
