"""HTTP to one service: what fails is repeated, what is cut off goes on where it was.

Knows no route: which are asked, and what their answers are, the client says.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import stamina

from countermand.client.documents.history import ExportedRow, Frame
from countermand.client.problems import Problem, problem, worth_repeating
from countermand.client.streamed import (
    frames,
    position_of,
    read_positions,
    rows,
    written_positions,
)

PREFIX = "/countermand/v1"
PAGE_ROWS = 500
BEHIND = "countermand-behind"
AGAIN_SECONDS = 1.0
"""Between two tries to go on reading."""


class Connection:
    """Of one client."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        timeout_seconds: float,
        attempts: int,
        on_late: Callable[[str], None] | None,
    ) -> None:
        self._http = http
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._on_late = on_late

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, wait_seconds: float = 0, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        return await self._send("GET", path, {}, given, None, wait_seconds)

    async def post(
        self,
        path: str,
        body: Mapping[str, Any],
        idempotency_key: str | None = None,
        wait_seconds: float | None = None,
    ) -> Any:
        headers = _named(idempotency_key)
        if wait_seconds is not None:
            headers["prefer"] = f"wait={int(wait_seconds)}"
        given = {name: value for name, value in body.items() if value is not None}
        return await self._send("POST", path, headers, {}, given, wait_seconds or 0)

    async def delete(self, path: str, idempotency_key: str | None = None) -> Any:
        return await self._send("DELETE", path, _named(idempotency_key), {}, None, 0)

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
                if self._on_late is not None and BEHIND in response.headers:
                    self._on_late(response.headers[BEHIND])
                return response.json()
        raise AssertionError("retry_context ends only by returning or raising")

    async def pages(
        self, path: str, limit: int | None, where: Mapping[str, Any]
    ) -> AsyncIterator[Any]:
        """Each item, up to the limit; a page is fetched when the one before it has been read."""
        left = limit
        cursor: str | None = None
        while True:
            rows = None if left is None else min(left, PAGE_ROWS)
            page = await self.get(path, cursor=cursor, limit=rows, **where)
            for each in page["items"]:
                yield each
                if left is not None:
                    left -= 1
                    if left <= 0:
                        return
            cursor = page["next_cursor"]
            if cursor is None or not page["items"]:
                return

    async def stream(self, path: str, after: str | None) -> AsyncIterator[Frame]:
        """Frames behind this one, for ever."""
        while True:
            headers = {} if after is None else {"last-event-id": after}
            timeout = httpx.Timeout(self._timeout_seconds, read=None)
            try:
                async with self._http.stream(
                    "GET", PREFIX + path, headers=headers, timeout=timeout
                ) as response:
                    await _accepted(response)
                    async for frame in frames(response.aiter_lines()):
                        after = frame.id
                        yield frame
            except httpx.TransportError:
                pass
            await asyncio.sleep(AGAIN_SECONDS)

    async def export(
        self, format: str, start: str | None, end: str | None, where: Mapping[str, Any]
    ) -> AsyncIterator[ExportedRow]:
        """Rows up to the end that the first answer names, if none is given."""
        behind = read_positions(start)
        failures = 0
        while True:
            given = {"format": format, "start": written_positions(behind), "end": end, **where}
            query = {name: value for name, value in given.items() if value}
            try:
                async with self._http.stream("GET", PREFIX + "/export", params=query) as response:
                    await _accepted(response)
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
            await asyncio.sleep(AGAIN_SECONDS)

    async def ready(self) -> dict[str, Any]:
        response = await self._http.get("/readyz")
        document: dict[str, Any] = response.json()
        return document


def _named(idempotency_key: str | None) -> dict[str, str]:
    """The header by which the service knows a request that is repeated."""
    return {"idempotency-key": idempotency_key or str(uuid4())}


async def _accepted(response: httpx.Response) -> None:
    if response.status_code >= 400:
        await response.aread()
        raise problem(response)
