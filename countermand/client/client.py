"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import httpx
import stamina

from countermand.client.documents import (
    BulkCancel,
    BulkItem,
    BulkPreview,
    DeadDelivery,
    Endpoint,
    Executor,
    ExportedRow,
    Frame,
    HistoryLine,
    MadeEndpoint,
    Project,
    Pulse,
    Receipt,
    Regions,
    RequestAbroad,
    Submitted,
    Task,
)
from countermand.client.problems import Problem, problem, worth_repeating
from countermand.client.streamed import (
    frames,
    position_of,
    read_positions,
    rows,
    written_positions,
)

PREFIX = "/countermand/v1"
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
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = http or httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout_seconds
        )

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
        await self._http.aclose()

    # ---- tasks

    async def submit(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Task:
        """Submit one task. `more`: labels, project, deadline, max_attempts, ..."""
        body = {"kind": kind, "payload": dict(payload or {}), **more}
        if id is not None:
            body["id"] = id
        return await self._post("/tasks", body, idempotency_key)  # type: ignore[no-any-return]

    async def submit_many(
        self, tasks: Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Submitted]:
        """Up to 1,000 at once, each with its own verdict."""
        body = {"tasks": [dict(task) for task in tasks]}
        answer = await self._post("/tasks", body, idempotency_key)
        return answer["items"]  # type: ignore[no-any-return]

    async def task(self, id: str, *, as_of: str | None = None) -> Task:
        return await self._get(f"/tasks/{_q(id)}", as_of=as_of)  # type: ignore[no-any-return]

    async def tasks(self, *, limit: int | None = None, **where: Any) -> AsyncIterator[Task]:
        """All tasks that fit, newest first; pages are fetched as needed."""
        async for each in self._pages("/tasks", limit, where):
            yield each

    async def cancel(
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
        body: dict[str, Any] = {"reason": reason, "mode": mode}
        if region is not None:
            body["region"] = region
        if expires_at is not None:
            body["expires_at"] = expires_at
        if grace_seconds is not None:
            body["grace_seconds"] = grace_seconds
        if hold_seconds is not None:
            body |= {"if_unknown": "hold", "hold_seconds": hold_seconds}
        return await self._post(  # type: ignore[no-any-return]
            f"/tasks/{_q(id)}/cancel", body, idempotency_key, wait_seconds
        )

    async def receipt(
        self, id: str, *, event_id: str | None = None, wait_seconds: float = 0
    ) -> Receipt:
        return await self._get(  # type: ignore[no-any-return]
            f"/tasks/{_q(id)}/receipt", wait_seconds, event_id=event_id, wait=wait_seconds
        )

    async def approve(
        self, id: str, *, answer: Any = None, wait: int | None = None, reason: str = ""
    ) -> Task:
        body = {"answer": answer, "wait": wait, "reason": reason}
        return await self._post(f"/tasks/{_q(id)}/approve", body)  # type: ignore[no-any-return]

    async def retry(self, id: str, *, attempt: int | None = None, reason: str = "") -> Task:
        body = {"attempt": attempt, "reason": reason}
        return await self._post(f"/tasks/{_q(id)}/retry", body)  # type: ignore[no-any-return]

    async def skip(self, id: str, *, attempt: int | None = None, reason: str = "") -> Task:
        body = {"attempt": attempt, "reason": reason}
        return await self._post(f"/tasks/{_q(id)}/skip", body)  # type: ignore[no-any-return]

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
        accepted = await self._post(f"/tasks/{_q(id)}/move", body, idempotency_key)
        request: RequestAbroad = accepted["request"]
        if wait_seconds <= 0:
            return request
        return await self.request(request["event_id"], wait_seconds=wait_seconds)

    # ---- many tasks

    async def preview_cancel_many(
        self, where: Mapping[str, Any], *, cap: int | None = None
    ) -> BulkPreview:
        """What would be cancelled. Changes nothing; the token of the answer is for `cancel_many`.

        `where`: project, kind, labels, actor, status, region, older_than_seconds, ...
        """
        body = {"where": dict(where), "cap": cap}
        return await self._post("/bulk-cancels/preview", body)  # type: ignore[no-any-return]

    async def cancel_many(
        self,
        token: str,
        *,
        reason: str = "",
        mode: Literal["graceful", "force"] = "graceful",
        grace_seconds: float | None = None,
        per_second: float | None = None,
    ) -> BulkCancel:
        """Cancel what a preview has selected, and nothing else."""
        body = {
            "token": token,
            "reason": reason,
            "mode": mode,
            "grace_seconds": grace_seconds,
            "per_second": per_second,
        }
        return await self._post("/bulk-cancels", body)  # type: ignore[no-any-return]

    async def bulk_cancel(self, id: str, *, wait_seconds: float = 0) -> BulkCancel:
        """How far it has come; with a wait, as soon as it has ended."""
        path = f"/bulk-cancels/{_q(id)}"
        return await self._get(path, wait_seconds, wait=wait_seconds)  # type: ignore[no-any-return]

    async def bulk_cancels(self) -> list[BulkCancel]:
        """Your organization's newest ones."""
        answer = await self._get("/bulk-cancels")
        return answer["items"]  # type: ignore[no-any-return]

    async def bulk_items(self, id: str, *, limit: int | None = None) -> AsyncIterator[BulkItem]:
        """What came of each task, in the order in which they are asked to stop."""
        async for each in self._pages(f"/bulk-cancels/{_q(id)}/items", limit, {}):
            yield each

    async def stop_bulk_cancel(self, id: str) -> BulkCancel:
        """Ask no further task to stop. What was asked stays asked."""
        return await self._post(f"/bulk-cancels/{_q(id)}/stop", {})  # type: ignore[no-any-return]

    # ---- executors

    async def executors(self) -> list[Executor]:
        """All that were heard of lately."""
        answer = await self._get("/executors")
        return answer["items"]  # type: ignore[no-any-return]

    async def executor(self, id: str) -> Executor:
        """One, with what it runs of yours."""
        return await self._get(f"/executors/{_q(id)}")  # type: ignore[no-any-return]

    async def steer_executor(
        self, id: str, what: Literal["drain", "resume"], *, reason: str = ""
    ) -> Executor:
        """Let it claim nothing more, while what runs goes on; or let it claim again."""
        path = f"/executors/{_q(id)}/{what}"
        return await self._post(path, {"reason": reason})  # type: ignore[no-any-return]

    # ---- projects

    async def create_project(self, **fields: Any) -> Project:
        """`id`, `title`, `tasks`, `approved`, ..."""
        return await self._post("/projects", fields)  # type: ignore[no-any-return]

    async def project(self, id: str, *, as_of: str | None = None) -> Project:
        return await self._get(f"/projects/{_q(id)}", as_of=as_of)  # type: ignore[no-any-return]

    async def projects(self, *, limit: int | None = None, **where: Any) -> AsyncIterator[Project]:
        async for each in self._pages("/projects", limit, where):
            yield each

    async def steer_project(
        self, id: str, what: Literal["plan", "approve", "pause", "resume"], **fields: Any
    ) -> Project:
        return await self._post(f"/projects/{_q(id)}/{what}", fields)  # type: ignore[no-any-return]

    async def cancel_project(
        self, id: str, *, reason: str = "", wait_seconds: float | None = None, **fields: Any
    ) -> Receipt:
        body = {"reason": reason, **fields}
        return await self._post(  # type: ignore[no-any-return]
            f"/projects/{_q(id)}/cancel", body, None, wait_seconds
        )

    # ---- webhooks

    async def add_webhook(
        self, to: str, *, types: Iterable[str] | None = None, description: str = ""
    ) -> MadeEndpoint:
        """Have events delivered to this URL. Its secret is in this answer only."""
        body: dict[str, Any] = {"url": to, "description": description}
        if types is not None:
            body["types"] = list(types)
        return await self._post("/webhooks", body)  # type: ignore[no-any-return]

    async def webhooks(self) -> list[Endpoint]:
        return (await self._get("/webhooks"))["items"]  # type: ignore[no-any-return]

    async def webhook(self, id: str) -> Endpoint:
        return await self._get(f"/webhooks/{_q(id)}")  # type: ignore[no-any-return]

    async def rotate_webhook(
        self, id: str, *, overlap_seconds: float | None = None
    ) -> MadeEndpoint:
        body = {"overlap_seconds": overlap_seconds}
        return await self._post(f"/webhooks/{_q(id)}/rotate", body)  # type: ignore[no-any-return]

    async def remove_webhook(self, id: str) -> Endpoint:
        return await self._send(  # type: ignore[no-any-return]
            "DELETE", f"/webhooks/{_q(id)}", {}, {}, None, 0
        )

    async def dead_deliveries(
        self, id: str, *, limit: int | None = None
    ) -> AsyncIterator[DeadDelivery]:
        """What was given up, in the order of the log."""
        async for each in self._pages(f"/webhooks/{_q(id)}/dead", limit, {}):
            yield each

    async def redeliver(self, id: str, *, event_ids: Iterable[str] | None = None) -> int:
        """Send what was given up again; how many that were."""
        body = {"event_ids": None if event_ids is None else list(event_ids)}
        answer = await self._post(f"/webhooks/{_q(id)}/redeliver", body)
        return answer["redelivered"]  # type: ignore[no-any-return]

    # ---- pulse

    async def pulse(self) -> Pulse:
        """What is being stopped right now, and how long each phase takes."""
        return await self._get("/pulse")  # type: ignore[no-any-return]

    # ---- history

    async def task_history(
        self, id: str, *, limit: int | None = None
    ) -> AsyncIterator[HistoryLine]:
        async for each in self._pages(f"/tasks/{_q(id)}/history", limit, {}):
            yield each

    async def history(
        self, *, limit: int | None = None, **where: Any
    ) -> AsyncIterator[HistoryLine]:
        """Your organization's history: by task, project, actor, type, verdict, time."""
        async for each in self._pages("/history", limit, where):
            yield each

    async def stream(
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
        while True:
            headers = {} if after is None else {"last-event-id": after}
            timeout = httpx.Timeout(self._timeout_seconds, read=None)
            try:
                async with self._http.stream(
                    "GET", PREFIX + path, headers=headers, timeout=timeout
                ) as response:
                    if response.status_code >= 400:
                        await response.aread()
                        raise problem(response)
                    async for frame in frames(response.aiter_lines()):
                        after = frame.id
                        yield frame
            except httpx.TransportError:
                pass
            await asyncio.sleep(1.0)

    async def export(
        self,
        *,
        format: Literal["jsonl", "csv"] = "jsonl",
        start: str | None = None,
        end: str | None = None,
        **where: Any,
    ) -> AsyncIterator[ExportedRow]:
        """Your organization's history, row by row; goes on where it was when it is cut off.

        `start`: a frontier, e.g. that behind the last row that you have; `end`: that of the rows.
        """
        behind = read_positions(start)
        failures = 0
        while True:
            given = {"format": format, "start": written_positions(behind), "end": end, **where}
            query = {name: value for name, value in given.items() if value}
            try:
                async with self._http.stream("GET", PREFIX + "/export", params=query) as response:
                    if response.status_code >= 400:
                        await response.aread()
                        raise problem(response)
                    end = response.headers["countermand-end"]
                    async for data in rows(response.aiter_bytes(), format):
                        position = position_of(data, format)
                        yield ExportedRow(data, position, end)
                        if position is not None:
                            behind |= {k: v + 1 for k, v in read_positions(position).items()}
                        failures = 0
                    return
            except (httpx.TransportError, Problem) as error:
                failures += 1
                if failures >= self._attempts or not worth_repeating(error):
                    raise
            await asyncio.sleep(1.0)

    async def regions(self) -> Regions:
        """The other regions, and how old their news are."""
        return await self._get("/regions")  # type: ignore[no-any-return]

    async def request(self, event_id: str, *, wait_seconds: float = 0) -> RequestAbroad:
        """What became of a request that was accepted here for another region."""
        path = f"/requests/{_q(event_id)}"
        return await self._get(path, wait_seconds, wait=wait_seconds)  # type: ignore[no-any-return]

    async def ready(self) -> dict[str, Any]:
        """What `/readyz` says, whether it is ready or not."""
        response = await self._http.get("/readyz")
        document: dict[str, Any] = response.json()
        return document

    # ---- how

    async def _get(self, path: str, wait_seconds: float = 0, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        return await self._send("GET", path, {}, given, None, wait_seconds)

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        idempotency_key: str | None = None,
        wait_seconds: float | None = None,
    ) -> Any:
        headers = {"idempotency-key": idempotency_key or str(uuid4())}
        if wait_seconds is not None:
            headers["prefer"] = f"wait={int(wait_seconds)}"
        given = {name: value for name, value in body.items() if value is not None}
        return await self._send("POST", path, headers, {}, given, wait_seconds or 0)

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        wait_seconds: float,
    ) -> Any:
        async for attempt in stamina.retry_context(
            on=worth_repeating, attempts=self._attempts, timeout=self._timeout_seconds
        ):
            with attempt:
                response = await self._http.request(
                    method,
                    PREFIX + path,
                    headers=headers,
                    params=query,
                    json=body,
                    timeout=self._timeout_seconds + wait_seconds,
                )
                if response.status_code >= 400:
                    raise problem(response)
                return response.json()
        raise AssertionError("retry_context ends only by returning or raising")

    async def _pages(
        self, path: str, limit: int | None, where: Mapping[str, Any]
    ) -> AsyncIterator[Any]:
        left = limit
        cursor: str | None = None
        while True:
            rows = None if left is None else min(left, 500)
            page = await self._get(path, cursor=cursor, limit=rows, **where)
            for each in page["items"]:
                yield each
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
            cursor = page["next_cursor"]
            if cursor is None or not page["items"]:
                return


def _q(id: str | None) -> str:
    return quote(id or "", safe="")
