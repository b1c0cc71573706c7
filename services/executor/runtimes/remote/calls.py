"""One request to an engine: only to hosts that the operator named, bounded, and tried again.

What comes of it is an answer, a refusal, or nothing that anybody knows: those are told apart,
since a request whose answer was lost may have been carried out.
"""

import asyncio
from collections.abc import Collection, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic_core import from_json

from events.errors import CountermandError
from services.executor.runtimes.remote.engine import Call, HttpEngine
from services.outgoing import OutgoingClient
from services.templates import filled

DOTS = frozenset({".", ".."})
TOO_MANY = 429
AGAIN = frozenset({408, 409, TOO_MANY})
FIRST_PAUSE_SECONDS = 0.1
PAUSE_LIMIT_SECONDS = 5.0


class Lost(CountermandError):
    """Nobody knows whether the request was carried out."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the remote engine didn't answer: {why}")
        self.why = why


class EngineRefused(CountermandError):
    """The engine understood the request, and didn't carry it out."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"the remote engine answered {status}: {why}")
        self.status = status


class NotAllowed(CountermandError):
    """A place that the operator didn't mean. Nothing was sent."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place!r} may not be called: {why}")
        self.place = place


class Caller:
    """Makes requests for all runs of an executor."""

    def __init__(self, hosts: Collection[str]) -> None:
        self._hosts = frozenset(hosts)
        # No redirects, no proxies of the environment: the URL says where a request goes.
        self._client = OutgoingClient(follow_redirects=False, trust_env=False)
        # An engine's cookie, set for one run, would go along with the next one's requests.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self, engine: HttpEngine, call: Call, values: Mapping[str, Any], key: str | None = None
    ) -> Any:
        """The answer's JSON. `key`: under which the engine carries it out once."""
        url = url_of(call, values)
        self._check(url)
        body = None if call.body is None else filled(call.body, values)
        headers = {name: value.get_secret_value() for name, value in engine.headers.items()}
        if key is not None:
            headers["idempotency-key"] = key
        pause = FIRST_PAUSE_SECONDS
        in_doubt = False
        for left in reversed(range(engine.patience.tries)):
            try:
                return await self._once(engine, call.method, url, headers, body)
            except EngineRefused as error:
                if in_doubt:  # It refuses this try; an earlier one it may have carried out.
                    raise Lost(f"{error}, after a try whose answer was lost") from error
                raise
            except _TryAgain as error:
                if not left or not error.wanted:
                    raise Lost(error.why) from error
                in_doubt |= error.perhaps_done
                await asyncio.sleep(min(max(pause, error.after_seconds), PAUSE_LIMIT_SECONDS))
                pause *= 2
        raise AssertionError("there is always a last try")

    def _check(self, url: httpx.URL) -> None:
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        if url.host not in self._hosts and f"{url.host}:{port}" not in self._hosts:
            why = "name it in `executor.remote_hosts`, if it should be"
            raise NotAllowed(f"{url.host}:{port}", why)

    async def _once(
        self, engine: HttpEngine, method: str, url: httpx.URL, headers: dict[str, str], body: Any
    ) -> Any:
        try:
            async with (
                asyncio.timeout(engine.patience.request_seconds),
                self._client.stream(
                    method, url, headers=headers, json=body, timeout=None
                ) as response,
            ):
                content = await read(response, engine.patience.answer_limit_bytes)
        except httpx.ConnectError as error:
            raise _TryAgain(type(error).__name__, perhaps_done=False) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise _TryAgain(type(error).__name__) from error
        status = response.status_code
        if status in AGAIN or status >= 500:
            raise _TryAgain(
                f"status {status}",
                wanted=response.headers.get("x-should-retry", "").lower() != "false",
                perhaps_done=status != TOO_MANY,
                after_seconds=after_seconds(response),
            )
        if 300 <= status < 400:
            raise EngineRefused(status, "redirects aren't followed: name the place itself")
        if status >= 400:
            raise EngineRefused(status, content[:500].decode(errors="replace"))
        try:
            return from_json(content) if content else None
        except ValueError as error:
            raise Lost("what it answered isn't JSON") from error


def url_of(call: Call, values: Mapping[str, Any]) -> httpx.URL:
    """With its holes filled. A value can change neither the host nor the folder."""
    url = filled(call.url, values, lambda text: quote(text, safe=""))
    path = urlsplit(url).path
    if any(part in DOTS for part in path.split("/")):
        raise NotAllowed(path[:200], "a value makes it lead to another folder of that host")
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise NotAllowed(url[:200], f"with its values it is no URL: {error}") from error


class _TryAgain(Exception):
    def __init__(
        self,
        why: str,
        *,
        wanted: bool = True,
        perhaps_done: bool = True,
        after_seconds: float = 0.0,
    ) -> None:
        self.why = why
        self.wanted = wanted
        self.perhaps_done = perhaps_done
        """False when it surely wasn't carried out: it wasn't sent, or there were too many."""
        self.after_seconds = after_seconds


async def read(response: httpx.Response, limit_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit_bytes:
            raise _TryAgain(f"its answer has more than {limit_bytes} bytes", wanted=False)
    return bytes(content)


def after_seconds(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0
