"""One timer for everybody who waits equally long: cheaper than one for each."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

Watched = asyncio.Future[Any]


class Patience:
    """Futures that aren't done in time get an error."""

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._loop = asyncio.get_running_loop()
        self._watched: deque[tuple[float, Watched]] = deque()
        """The oldest first."""
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: Watched) -> None:
        watched = self._watched
        while watched and watched[0][1].done():
            watched.popleft()
        watched.append((self._loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._watched:
            deadline, future = self._watched[0]
            if not future.done():
                if deadline > now:
                    self._timer = self._loop.call_at(deadline, self._look)
                    return
                future.set_exception(self._error())
            self._watched.popleft()
