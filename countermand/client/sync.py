"""The client for code without asyncio.

What it has is what `Client` has; sync.pyi says so to type checkers and editors. After a change of
`Client`, `make fix` writes that file again.
"""

from typing import Any

from countermand.client.client import DEFAULT_URL, Client
from countermand.client.loop_thread import LoopThread


class SyncClient:
    """The same methods for code without asyncio: each waits for its answer."""

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None, **more: Any) -> None:
        self._loop = LoopThread("countermand-client")
        self._client: Client = self._loop.wait(_made(url, key, more))

    def __enter__(self) -> "SyncClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.wait(self._client.close())
        self._loop.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"'SyncClient' has no attribute {name!r}")
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            asked = method(*args, **kwargs)
            loop = self._loop
            return loop.iterate(asked) if hasattr(asked, "__aiter__") else loop.wait(asked)

        return call


async def _made(url: str, key: str | None, more: dict[str, Any]) -> Client:
    return Client(url, key, **more)
