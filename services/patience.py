"""One timer for everybody who waits equally long: cheaper than one for each."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Patience:
    """Whoever isn't done in time gets an error: futures, and blocks of code."""

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._loop = asyncio.get_running_loop()
        self._watched: deque[tuple[float, Watched]] = deque()
        """The oldest first."""
        self._timer: asyncio.TimerHandle | None = None

    def bounded(self) -> "Bounded":
        """As `asyncio.timeout`, around a block of code: its waits are cancelled, and it raises."""
        bounded = Bounded()
        self.watch(bounded)
        return bounded

    def watch(self, future: "Watched") -> None:
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


class Bounded:
    """A block of code of one task, while it is under way."""

    __slots__ = ("_cancelled_before", "_error", "_left", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelled_before = task.cancelling()
        self._error: Exception | None = None
        self._left = False

    def done(self) -> bool:
        return self._left or self._error is not None

    def set_exception(self, error: Exception) -> None:
        self._error = error
        self._task.cancel()

    def __enter__(self) -> None:
        """It began when it was made."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = True
        if self._error is None:
            return
        # Somebody else may have cancelled the task, too: then that is what goes on.
        alone = self._task.uncancel() <= self._cancelled_before
        if alone and isinstance(error, asyncio.CancelledError):
            raise self._error from error


Watched = asyncio.Future[Any] | Bounded
