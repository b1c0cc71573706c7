"""The client for asyncio."""

# What an answer is made of, each method's signature says; nobody checks that it is.
# mypy: disable-error-code="no-any-return"

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Unpack
from urllib.parse import quote

import httpx

from countermand.client.connection import Connection
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


class Client:
    """One service, as one principal sees it."""

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
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        http = http or httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_seconds)
        self._connection = Connection(http, timeout_seconds, attempts, on_late)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._connection.close()

    # ---- tasks

    async def submit(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[TaskFields],
    ) -> Task:
        """Submit one task. `more`: labels, project, deadline, max_attempts, ..."""
        body: dict[str, Any] = {"kind": kind, "payload": dict(payload or {}), **more}
        if id is not None:
            body["id"] = id
        return await self._connection.post("/tasks", body, idempotency_key)

    async def submit_many(
        self, tasks: Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Submitted]:
        """Up to 1,000 at once, each with its own verdict."""
        body = {"tasks": [dict(task) for task in tasks]}
        answer = await self._connection.post("/tasks", body, idempotency_key)
        return answer["items"]

    async def task(self, id: str, *, as_of: str | None = None, fresh: bool = False) -> Task:
        """`fresh`: if another region decides about it, wait for all that it has said by now."""
        path = f"/tasks/{_q(id)}"
        return await self._connection.get(path, as_of=as_of, fresh=fresh or None)

    def tasks(self, *, limit: int | None = None, **where: Unpack[TaskWhere]) -> AsyncIterator[Task]:
        """All tasks that fit, newest first; pages are fetched as needed."""
        return self._connection.pages("/tasks", limit, where)

    async def cancel(
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
        if if_unknown is None and hold_seconds is not None:
            if_unknown = "hold"
        body = {
            "reason": reason,
            "mode": mode,
            "grace_seconds": grace_seconds,
            "if_unknown": if_unknown,
            "hold_seconds": hold_seconds,
            "region": region,
            "expires_at": expires_at,
        }
        return await self._connection.post(
            f"/tasks/{_q(id)}/cancel", body, idempotency_key, wait_seconds
        )

    async def receipt(
        self, id: str, *, event_id: str | None = None, wait_seconds: float = 0
    ) -> Receipt:
        return await self._connection.get(
            f"/tasks/{_q(id)}/receipt", wait_seconds, event_id=event_id, wait=wait_seconds
        )

    async def approve(
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
        body = {"answer": answer, "wait": wait, "reason": reason, "region": region}
        return await self._connection.post(f"/tasks/{_q(id)}/approve", body, idempotency_key)

    async def retry(
        self,
        id: str,
        *,
        attempt: int | None = None,
        reason: str = "",
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Let a failed task be tried once more."""
        body = {"attempt": attempt, "reason": reason, "region": region}
        return await self._connection.post(f"/tasks/{_q(id)}/retry", body, idempotency_key)

    async def skip(
        self,
        id: str,
        *,
        attempt: int | None = None,
        reason: str = "",
        region: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Leave a pending or failed task of a project out."""
        body = {"attempt": attempt, "reason": reason, "region": region}
        return await self._connection.post(f"/tasks/{_q(id)}/skip", body, idempotency_key)

    async def move(
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
        body = {"reason": reason, "region": region}
        accepted = await self._connection.post(f"/tasks/{_q(id)}/move", body, idempotency_key)
        request: RequestAbroad = accepted["request"]
        if wait_seconds <= 0:
            return request
        return await self.request(request["event_id"], wait_seconds=wait_seconds)

    # ---- many tasks

    async def preview_cancel_many(
        self,
        where: Mapping[str, Any],
        *,
        cap: int | None = None,
        idempotency_key: str | None = None,
    ) -> BulkPreview:
        """What would be cancelled. Changes nothing; the token of the answer is for `cancel_many`.

        `where`: project, kind, labels, actor, status, region, older_than_seconds, ...
        """
        body = {"where": dict(where), "cap": cap}
        return await self._connection.post("/bulk-cancels/preview", body, idempotency_key)

    async def cancel_many(
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
        body = {
            "token": token,
            "reason": reason,
            "mode": mode,
            "grace_seconds": grace_seconds,
            "per_second": per_second,
        }
        return await self._connection.post("/bulk-cancels", body, idempotency_key)

    async def bulk_cancel(self, id: str, *, wait_seconds: float = 0) -> BulkCancel:
        """How far it has come; with a wait, as soon as it has ended."""
        path = f"/bulk-cancels/{_q(id)}"
        return await self._connection.get(path, wait_seconds, wait=wait_seconds)

    async def bulk_cancels(self) -> list[BulkCancel]:
        """Your organization's newest ones."""
        answer = await self._connection.get("/bulk-cancels")
        return answer["items"]

    def bulk_items(self, id: str, *, limit: int | None = None) -> AsyncIterator[BulkItem]:
        """What came of each task, in the order in which they are asked to stop."""
        return self._connection.pages(f"/bulk-cancels/{_q(id)}/items", limit, {})

    async def stop_bulk_cancel(self, id: str, *, idempotency_key: str | None = None) -> BulkCancel:
        """Ask no further task to stop. What was asked stays asked."""
        return await self._connection.post(f"/bulk-cancels/{_q(id)}/stop", {}, idempotency_key)

    # ---- executors

    async def executors(self) -> list[Executor]:
        """All that were heard of lately."""
        answer = await self._connection.get("/executors")
        return answer["items"]

    async def executor(self, id: str) -> Executor:
        """One, with what it runs of yours."""
        return await self._connection.get(f"/executors/{_q(id)}")

    async def steer_executor(
        self,
        id: str,
        what: Literal["drain", "resume"],
        *,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Executor:
        """Let it claim nothing more, while what runs goes on; or let it claim again."""
        path = f"/executors/{_q(id)}/{what}"
        return await self._connection.post(path, {"reason": reason}, idempotency_key)

    # ---- projects

    async def create_project(
        self, *, idempotency_key: str | None = None, **fields: Unpack[ProjectFields]
    ) -> Project:
        """`id`, `title`, `tasks`, `approved`, ..."""
        return await self._connection.post("/projects", fields, idempotency_key)

    async def project(self, id: str, *, as_of: str | None = None) -> Project:
        return await self._connection.get(f"/projects/{_q(id)}", as_of=as_of)

    def projects(
        self, *, limit: int | None = None, **where: Unpack[ProjectWhere]
    ) -> AsyncIterator[Project]:
        """All projects that fit, newest first; pages are fetched as needed."""
        return self._connection.pages("/projects", limit, where)

    async def steer_project(
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
        body = {"reason": reason, "plan": plan, "tasks": tasks, "pause": pause}
        return await self._connection.post(f"/projects/{_q(id)}/{what}", body, idempotency_key)

    async def cancel_project(
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
        body = {"reason": reason, "mode": mode, "grace_seconds": grace_seconds, "region": region}
        path = f"/projects/{_q(id)}/cancel"
        return await self._connection.post(path, body, idempotency_key, wait_seconds)

    async def project_receipt(self, id: str, *, wait_seconds: float = 0) -> Receipt:
        """The receipt of the project's cancel; with a wait, as soon as its last run has ended."""
        path = f"/projects/{_q(id)}/receipt"
        return await self._connection.get(path, wait_seconds, wait=wait_seconds)

    # ---- webhooks

    async def add_webhook(
        self,
        to: str,
        *,
        types: Iterable[str] | None = None,
        description: str = "",
        idempotency_key: str | None = None,
    ) -> MadeEndpoint:
        """Have events delivered to this URL. Its secret is in this answer only."""
        body: dict[str, Any] = {"url": to, "description": description}
        if types is not None:
            body["types"] = list(types)
        return await self._connection.post("/webhooks", body, idempotency_key)

    async def webhooks(self) -> list[WatchedEndpoint]:
        return (await self._connection.get("/webhooks"))["items"]

    async def webhook(self, id: str) -> WatchedEndpoint:
        return await self._connection.get(f"/webhooks/{_q(id)}")

    async def rotate_webhook(
        self,
        id: str,
        *,
        overlap_seconds: float | None = None,
        idempotency_key: str | None = None,
    ) -> MadeEndpoint:
        """Sign with a new secret, in this answer only; for a while with the old one, too."""
        body = {"overlap_seconds": overlap_seconds}
        return await self._connection.post(f"/webhooks/{_q(id)}/rotate", body, idempotency_key)

    async def remove_webhook(self, id: str, *, idempotency_key: str | None = None) -> Endpoint:
        """Deliver nothing more."""
        return await self._connection.delete(f"/webhooks/{_q(id)}", idempotency_key)

    def dead_deliveries(self, id: str, *, limit: int | None = None) -> AsyncIterator[DeadDelivery]:
        """What was given up, in the order of the log."""
        return self._connection.pages(f"/webhooks/{_q(id)}/dead", limit, {})

    async def redeliver(
        self,
        id: str,
        *,
        event_ids: Iterable[str] | None = None,
        idempotency_key: str | None = None,
    ) -> int:
        """Send what was given up again; how many that were."""
        body = {"event_ids": None if event_ids is None else list(event_ids)}
        answer = await self._connection.post(f"/webhooks/{_q(id)}/redeliver", body, idempotency_key)
        return answer["redelivered"]

    # ---- pulse

    async def pulse(self) -> Pulse:
        """What is being stopped right now, and how long each phase takes."""
        return await self._connection.get("/pulse")

    # ---- history

    def task_history(
        self,
        id: str,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        fresh: bool = False,
    ) -> AsyncIterator[HistoryLine]:
        """Everything that was said about a task, and what each did."""
        where = {"newest_first": newest_first or None, "fresh": fresh or None}
        return self._connection.pages(f"/tasks/{_q(id)}/history", limit, where)

    def project_history(
        self, id: str, *, limit: int | None = None, newest_first: bool = False
    ) -> AsyncIterator[HistoryLine]:
        """Everything that was said about a project and what is in it."""
        where = {"newest_first": newest_first or None}
        return self._connection.pages(f"/projects/{_q(id)}/history", limit, where)

    def history(
        self, *, limit: int | None = None, **where: Unpack[HistoryWhere]
    ) -> AsyncIterator[HistoryLine]:
        """Your organization's history: by task, project, actor, type, verdict, time."""
        return self._connection.pages("/history", limit, where)

    def stream(
        self, *, task: str | None = None, project: str | None = None, after: str | None = None
    ) -> AsyncIterator[Frame]:
        """What is said, as it is said; goes on where it was when the connection is lost."""
        path = (
            f"/tasks/{_q(task)}/stream"
            if task
            else f"/projects/{_q(project)}/stream"
            if project
            else "/stream"
        )
        return self._connection.stream(path, after)

    def export(
        self,
        *,
        format: Literal["jsonl", "csv"] = "jsonl",
        start: str | None = None,
        end: str | None = None,
        **where: Unpack[ExportWhere],
    ) -> AsyncIterator[ExportedRow]:
        """Your organization's history, row by row; goes on where it was when it is cut off.

        `start`: a frontier, e.g. that behind the last row that you have; `end`: that of the rows.
        """
        return self._connection.export(format, start, end, where)

    async def regions(self) -> Regions:
        """The other regions, and how old their news are."""
        return await self._connection.get("/regions")

    async def request(self, event_id: str, *, wait_seconds: float = 0) -> RequestAbroad:
        """What became of a request that was accepted here for another region."""
        path = f"/requests/{_q(event_id)}"
        return await self._connection.get(path, wait_seconds, wait=wait_seconds)

    async def ready(self) -> dict[str, Any]:
        """What `/readyz` says, whether it is ready or not."""
        return await self._connection.ready()


def _q(id: str | None) -> str:
    return quote(id or "", safe="")
