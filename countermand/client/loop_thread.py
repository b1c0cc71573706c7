"""An event loop in a thread of its own, for code that has none: hands over what is asked, and
waits for it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs until it is closed, or its process ends."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def wait(self, asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def iterate(self, asked: AsyncGenerator[T, None]) -> Iterator[T]:
        """Each as it comes. Whoever stops early lets go of what it holds, such as a connection."""
        try:
            while (each := self.wait(_next(asked))) is not END:
                yield each  # type: ignore[misc]
        finally:
            self.wait(asked.aclose())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


END = object()


async def _next(asked: AsyncGenerator[T, None]) -> T | object:
    return await anext(asked, END)
