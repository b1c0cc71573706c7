"""Written from client.py by `python -m tests.sync_stub`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Unpack

import httpx

from countermand.client.documents.asked import (
    ExportWhere,
    HistoryWhere,
    ProjectFields,
    ProjectWhere,
    TaskFields,
    TaskWhere,
)
from countermand.client.documents.bulk_cancels import BulkCancel, BulkItem, BulkPreview
from countermand.client.documents.executors import Executor
from countermand.client.documents.history import ExportedRow, Frame, HistoryLine
from countermand.client.documents.pulse import Pulse
from countermand.client.documents.receipts import Receipt, Submitted
from countermand.client.documents.regions import Regions, RequestAbroad
from countermand.client.documents.tasks import Project, Task
from countermand.client.documents.webhooks import (
    DeadDelivery,
    Endpoint,
    MadeEndpoint,
    WatchedEndpoint,
)

DEFAULT_URL = "http://127.0.0.1:8700"
TIMEOUT_SECONDS = 30.0

class SyncClient:
    """The same methods for code without asyncio: each waits for its answer."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = 4,
        on_late: Callable[[str], None] | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """`on_late` is told of each answer that may be older than what was said before: of the
        frontier that it doesn't reach, as the service gave up waiting for its read models."""

    def __enter__(self) -> SyncClient: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def close(self) -> None: ...
    def submit(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[TaskFields],
    ) -> Task:
        """Submit one task. `more`: labels, project, deadline, max_attempts, ..."""

    def submit_many(
        self, tasks: Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Submitted]:
        """Up to 1,000 at once, each with its own verdict."""

    def task(self, id: str, *, as_of: str | None = None, fresh: bool = False) -> Task:
        """`fresh`: if another region decides about it, wait for all that it has said by now."""

    def tasks(self, *, limit: int | None = None, **where: Unpack[TaskWhere]) -> Iterator[Task]:
        """All tasks that fit, newest first; pages are fetched as needed."""

    def cancel(
        self,
        id: str,
        *,
        reason: str = "",
        mode: Literal["graceful", "force"] = "graceful",
        grace_seconds: float | None = None,
        if_unknown: Literal["refuse", "hold"] | None = None,
        hold_seconds: float | None = None,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        region: str | None = None,
        expires_at: str | None = None,
    ) -> Receipt:
        """Stop a task. The receipt says what the log decided, and whether it has stopped yet.

        `if_unknown`: whether a cancel of a task that isn't there is refused, or held for the task
        that comes later, for `hold_seconds`; without it, held if `hold_seconds` are given.
        `region`: its home, if that is another one which doesn't know the task yet.
        """

    def receipt(
        self, id: str, *, event_id: str | None = None, wait_seconds: float = 0
    ) -> Receipt: ...
    def approve(
        self,
        id: str,
        *,
        answer: Any = None,
        wait: int | None = None,
        reason: str = "",
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Answer what its run waits for."""

    def retry(
        self,
        id: str,
        *,
        attempt: int | None = None,
        reason: str = "",
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Let a failed task be tried once more."""

    def skip(
        self,
        id: str,
        *,
        attempt: int | None = None,
        reason: str = "",
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Leave a pending or failed task of a project out."""

    def move(
        self,
        id: str,
        *,
        region: str | None = None,
        reason: str = "",
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
    ) -> RequestAbroad:
        """Bring a task that has never run to the region that is asked; waits for the verdict of its
        home, which is `region` if it isn't known where you ask."""

    def preview_cancel_many(
        self,
        where: Mapping[str, Any],
        *,
        cap: int | None = None,
        idempotency_key: str | None = None,
    ) -> BulkPreview:
        """What would be cancelled. Changes nothing; the token of the answer is for `cancel_many`.

        `where`: project, kind, labels, actor, status, region, older_than_seconds, ...
        """

    def cancel_many(
        self,
        token: str,
        *,
        reason: str = "",
        mode: Literal["graceful", "force"] = "graceful",
        grace_seconds: float | None = None,
        per_second: float | None = None,
        idempotency_key: str | None = None,
    ) -> BulkCancel:
        """Cancel what a preview has selected, and nothing else."""

    def bulk_cancel(self, id: str, *, wait_seconds: float = 0) -> BulkCancel:
        """How far it has come; with a wait, as soon as it has ended."""

    def bulk_cancels(self) -> list[BulkCancel]:
        """Your organization's newest ones."""

    def bulk_items(self, id: str, *, limit: int | None = None) -> Iterator[BulkItem]:
        """What came of each task, in the order in which they are asked to stop."""

    def stop_bulk_cancel(self, id: str, *, idempotency_key: str | None = None) -> BulkCancel:
        """Ask no further task to stop. What was asked stays asked."""

    def executors(self) -> list[Executor]:
        """All that were heard of lately."""

    def executor(self, id: str) -> Executor:
        """One, with what it runs of yours."""

    def steer_executor(
        self,
        id: str,
        what: Literal["drain", "resume"],
        *,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Executor:
        """Let it claim nothing more, while what runs goes on; or let it claim again."""

    def create_project(
        self, *, idempotency_key: str | None = None, **fields: Unpack[ProjectFields]
    ) -> Project:
        """`id`, `title`, `tasks`, `approved`, ..."""

    def project(self, id: str, *, as_of: str | None = None) -> Project: ...
    def projects(
        self, *, limit: int | None = None, **where: Unpack[ProjectWhere]
    ) -> Iterator[Project]:
        """All projects that fit, newest first; pages are fetched as needed."""

    def steer_project(
        self,
        id: str,
        what: Literal["plan", "approve", "pause", "resume"],
        *,
        reason: str = "",
        plan: int | None = None,
        tasks: int | None = None,
        pause: int | None = None,
        idempotency_key: str | None = None,
    ) -> Project:
        """`plan`, `pause`: the number of the one that is meant. `tasks`: so many has the plan."""

    def cancel_project(
        self,
        id: str,
        *,
        reason: str = "",
        mode: Literal["graceful", "force"] = "graceful",
        grace_seconds: float | None = None,
        wait_seconds: float | None = None,
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Stop what executes, skip the rest, keep what is done. There is no way back."""

    def project_receipt(self, id: str, *, wait_seconds: float = 0) -> Receipt:
        """The receipt of the project's cancel; with a wait, as soon as its last run has ended."""

    def add_webhook(
        self,
        to: str,
        *,
        types: Iterable[str] | None = None,
        description: str = "",
        idempotency_key: str | None = None,
    ) -> MadeEndpoint:
        """Have events delivered to this URL. Its secret is in this answer only."""

    def webhooks(self) -> list[WatchedEndpoint]: ...
    def webhook(self, id: str) -> WatchedEndpoint: ...
    def rotate_webhook(
        self, id: str, *, overlap_seconds: float | None = None, idempotency_key: str | None = None
    ) -> MadeEndpoint:
        """Sign with a new secret, in this answer only; for a while with the old one, too."""

    def remove_webhook(self, id: str, *, idempotency_key: str | None = None) -> Endpoint:
        """Deliver nothing more."""

    def dead_deliveries(self, id: str, *, limit: int | None = None) -> Iterator[DeadDelivery]:
        """What was given up, in the order of the log."""

    def redeliver(
        self, id: str, *, event_ids: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> int:
        """Send what was given up again; how many that were."""

    def pulse(self) -> Pulse:
        """What is being stopped right now, and how long each phase takes."""

    def task_history(
        self, id: str, *, limit: int | None = None, newest_first: bool = False, fresh: bool = False
    ) -> Iterator[HistoryLine]:
        """Everything that was said about a task, and what each did."""

    def project_history(
        self, id: str, *, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[HistoryLine]:
        """Everything that was said about a project and what is in it."""

    def history(
        self, *, limit: int | None = None, **where: Unpack[HistoryWhere]
    ) -> Iterator[HistoryLine]:
        """Your organization's history: by task, project, actor, type, verdict, time."""

    def stream(
        self, *, task: str | None = None, project: str | None = None, after: str | None = None
    ) -> Iterator[Frame]:
        """What is said, as it is said; goes on where it was when the connection is lost."""

    def export(
        self,
        *,
        format: Literal["jsonl", "csv"] = "jsonl",
        start: str | None = None,
        end: str | None = None,
        **where: Unpack[ExportWhere],
    ) -> Iterator[ExportedRow]:
        """Your organization's history, row by row; goes on where it was when it is cut off.

        `start`: a frontier, e.g. that behind the last row that you have; `end`: that of the rows.
        """

    def regions(self) -> Regions:
        """The other regions, and how old their news are."""

    def request(self, event_id: str, *, wait_seconds: float = 0) -> RequestAbroad:
        """What became of a request that was accepted here for another region."""

    def ready(self) -> dict[str, Any]:
        """What `/readyz` says, whether it is ready or not."""
