"""Written from client.py by `python -m tests.sync_stub`."""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal

import httpx

from countermand.client.documents.bulk_cancels import BulkCancel, BulkItem, BulkPreview
from countermand.client.documents.executors import Executor
from countermand.client.documents.history import ExportedRow, Frame, HistoryLine
from countermand.client.documents.pulse import Pulse
from countermand.client.documents.receipts import Receipt, Submitted
from countermand.client.documents.regions import Regions, RequestAbroad
from countermand.client.documents.tasks import Project, Task
from countermand.client.documents.webhooks import DeadDelivery, Endpoint, MadeEndpoint

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
        http: httpx.AsyncClient | None = None,
    ) -> None: ...
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
        **more: Any,
    ) -> Task:
        """Submit one task. `more`: labels, project, deadline, max_attempts, ..."""

    def submit_many(
        self, tasks: Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Submitted]:
        """Up to 1,000 at once, each with its own verdict."""

    def task(self, id: str, *, as_of: str | None = None) -> Task: ...
    def tasks(self, *, limit: int | None = None, **where: Any) -> Iterator[Task]:
        """All tasks that fit, newest first; pages are fetched as needed."""

    def cancel(
        self,
        id: str,
        *,
        reason: str = "",
        mode: Literal["graceful", "force"] = "graceful",
        grace_seconds: float | None = None,
        hold_seconds: float | None = None,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        region: str | None = None,
        expires_at: str | None = None,
    ) -> Receipt:
        """Stop a task. The receipt says what the log decided, and whether it has stopped yet.

        `region`: its home, if that is another one which doesn't know the task yet.
        """

    def receipt(
        self, id: str, *, event_id: str | None = None, wait_seconds: float = 0
    ) -> Receipt: ...
    def approve(
        self, id: str, *, answer: Any = None, wait: int | None = None, reason: str = ""
    ) -> Task: ...
    def retry(self, id: str, *, attempt: int | None = None, reason: str = "") -> Task: ...
    def skip(self, id: str, *, attempt: int | None = None, reason: str = "") -> Task: ...
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
        self, where: Mapping[str, Any], *, cap: int | None = None
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
    ) -> BulkCancel:
        """Cancel what a preview has selected, and nothing else."""

    def bulk_cancel(self, id: str, *, wait_seconds: float = 0) -> BulkCancel:
        """How far it has come; with a wait, as soon as it has ended."""

    def bulk_cancels(self) -> list[BulkCancel]:
        """Your organization's newest ones."""

    def bulk_items(self, id: str, *, limit: int | None = None) -> Iterator[BulkItem]:
        """What came of each task, in the order in which they are asked to stop."""

    def stop_bulk_cancel(self, id: str) -> BulkCancel:
        """Ask no further task to stop. What was asked stays asked."""

    def executors(self) -> list[Executor]:
        """All that were heard of lately."""

    def executor(self, id: str) -> Executor:
        """One, with what it runs of yours."""

    def steer_executor(
        self, id: str, what: Literal["drain", "resume"], *, reason: str = ""
    ) -> Executor:
        """Let it claim nothing more, while what runs goes on; or let it claim again."""

    def create_project(self, **fields: Any) -> Project:
        """`id`, `title`, `tasks`, `approved`, ..."""

    def project(self, id: str, *, as_of: str | None = None) -> Project: ...
    def projects(self, *, limit: int | None = None, **where: Any) -> Iterator[Project]: ...
    def steer_project(
        self, id: str, what: Literal["plan", "approve", "pause", "resume"], **fields: Any
    ) -> Project: ...
    def cancel_project(
        self, id: str, *, reason: str = "", wait_seconds: float | None = None, **fields: Any
    ) -> Receipt: ...
    def add_webhook(
        self, to: str, *, types: Iterable[str] | None = None, description: str = ""
    ) -> MadeEndpoint:
        """Have events delivered to this URL. Its secret is in this answer only."""

    def webhooks(self) -> list[Endpoint]: ...
    def webhook(self, id: str) -> Endpoint: ...
    def rotate_webhook(self, id: str, *, overlap_seconds: float | None = None) -> MadeEndpoint: ...
    def remove_webhook(self, id: str) -> Endpoint: ...
    def dead_deliveries(self, id: str, *, limit: int | None = None) -> Iterator[DeadDelivery]:
        """What was given up, in the order of the log."""

    def redeliver(self, id: str, *, event_ids: Iterable[str] | None = None) -> int:
        """Send what was given up again; how many that were."""

    def pulse(self) -> Pulse:
        """What is being stopped right now, and how long each phase takes."""

    def task_history(self, id: str, *, limit: int | None = None) -> Iterator[HistoryLine]: ...
    def history(self, *, limit: int | None = None, **where: Any) -> Iterator[HistoryLine]:
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
        **where: Any,
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
