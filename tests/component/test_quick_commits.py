"""The event loop commits while the disk is quick, a thread while it is slow; and back again.

The clock, which the writer asks once for each commit, is the gate: by it alone time goes by.
"""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.embedded_log import Limits, group_commit
from tests.component.logs import PATIENCE_SECONDS, a_reader, append, some, the_log, values

QUICK_COMMIT_SECONDS = 0.005
LOOP, THREAD = "the event loop", "the thread"


class Disk:
    """Each commit takes as long as it is told to; whoever made it is noted."""

    def __init__(self, took_seconds: Sequence[float]) -> None:
        self.made_by: list[str] = []
        self.seconds = 0.0
        """The time, as far as the disk makes any go by."""
        self.held = threading.Event()
        self.holds = threading.Event()
        self.holds.set()
        self._took_seconds = list(took_seconds)
        self._loop_s_thread = threading.current_thread()

    def now(self) -> float:
        return self.seconds

    def __call__(self) -> int:
        """The clock that the writer asks before each commit."""
        by_loop = threading.current_thread() is self._loop_s_thread
        if not by_loop:
            self.held.set()
            assert self.holds.wait(PATIENCE_SECONDS)
        self.made_by.append(LOOP if by_loop else THREAD)
        self.seconds += self._took_seconds.pop(0)
        return len(self.made_by)


QUICK, SLOW = 0.0049, 0.0051


async def test_the_next_commit_is_made_where_the_last_one_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk([QUICK, QUICK, SLOW, SLOW, QUICK, QUICK])
    monkeypatch.setattr(group_commit, "perf_counter", disk.now)
    limits = Limits(quick_commit_seconds=QUICK_COMMIT_SECONDS)
    path = tmp_path / "history.db"
    async with the_log(path, disk, limits) as log, a_reader(path) as reader:
        for number in range(6):
            [position] = await append(log, some(1, number))
            assert position.offset == number
            # Durable when it is acknowledged, whoever made the commit.
            assert await values(reader) == some(number + 1)
    assert disk.made_by == [THREAD, LOOP, LOOP, THREAD, THREAD, LOOP]


async def test_nobody_is_overtaken_on_the_way_to_the_thread_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk([QUICK, SLOW, QUICK, QUICK])
    monkeypatch.setattr(group_commit, "perf_counter", disk.now)
    limits = Limits(quick_commit_seconds=QUICK_COMMIT_SECONDS)
    path = tmp_path / "history.db"
    async with the_log(path, disk, limits) as log:
        await append(log, some(1))  # by the thread: nobody knows yet
        await append(log, some(1, 1))  # by the loop, slowly
        disk.held.clear()
        disk.holds.clear()
        async with asyncio.TaskGroup() as callers:
            first = callers.create_task(append(log, some(1, 2)))  # held up in the thread
            assert await asyncio.to_thread(disk.held.wait, PATIENCE_SECONDS)
            # While the thread has the disk, the loop doesn't touch it.
            behind = [callers.create_task(append(log, some(1, 3 + n))) for n in range(5)]
            await asyncio.sleep(0)
            assert disk.made_by == [THREAD, LOOP]
            disk.holds.set()
        offsets = [task.result()[0].offset for task in (first, *behind)]
        assert offsets == [2, 3, 4, 5, 6, 7]
        assert await values(log) == some(8)
    assert disk.made_by == [THREAD, LOOP, THREAD, LOOP]
    async with a_reader(path) as reader:
        assert await values(reader) == some(8)
