"""The client for code without asyncio."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from countermand.client.client import DEFAULT_URL, Client

T = TypeVar("T")


class SyncClient:
    """The same methods for code without asyncio: each waits for its answer."""

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None, **more: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="countermand-client", daemon=True
        )
        self._thread.start()
        self._client: Client = self._wait(_made(url, key, more))

    def __enter__(self) -> "SyncClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._wait(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            asked = method(*args, **kwargs)
            return self._iterate(asked) if hasattr(asked, "__aiter__") else self._wait(asked)

        return call

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(asked, self._loop)
        return future.result()

    def _iterate(self, asked: AsyncIterator[T]) -> Iterator[T]:
        while (each := self._wait(_next(asked))) is not END:
            yield each  # type: ignore[misc]


async def _made(url: str, key: str | None, more: Mapping[str, Any]) -> Client:
    return Client(url, key, **more)


END = object()


async def _next(asked: AsyncIterator[T]) -> T | object:
    return await anext(asked, END)
