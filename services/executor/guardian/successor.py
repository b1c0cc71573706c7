"""How a successor learns that nothing of an earlier executor lives."""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .survivors import kill_marked, mark_of_lock

Answer = TypeVar("Answer")


async def wait_until_gone(lock_path: Path, timeout_seconds: float) -> bool:
    """Whether the guardian that held this lock, its keepers and their trees are all gone by
    then."""
    waiting = answered_by_thread(lambda: _wait_for(absolute(lock_path)))
    try:
        async with asyncio.timeout(timeout_seconds):
            await waiting
    except TimeoutError:
        return False
    return True


def absolute(lock_path: Path) -> Path:
    """The path under which both the lock and the marks of its trees are known."""
    return lock_path.absolute()


def _wait_for(lock_path: Path) -> None:
    """Returns when the lock was free, which may be never; the kernel wakes us."""
    try:
        fd = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # nobody ever held it
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        # While we hold it nobody else begins trees below it.
        kill_marked(mark_of_lock(lock_path))
    finally:
        os.close(fd)


def answered_by_thread(ask: Callable[[], Answer]) -> "asyncio.Future[Answer]":
    """Have a thread wait for what only blocks. It keeps neither the loop nor the process from
    ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(answer)  # type: ignore[arg-type]

    def run() -> None:
        answer: Answer | None = None
        error: BaseException | None = None
        try:
            answer = ask()
        except BaseException as raised:  # noqa: BLE001 - whoever waits is told, whatever it is
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, answer, error)

    threading.Thread(target=run, name="waits-for-the-kernel", daemon=True).start()
    return future
