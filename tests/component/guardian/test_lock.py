"""The lock is free once nobody that a guardian has started is left."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from services.executor.guardian.client import CannotGuard, Guardian
from tests.component.guardian.scene import (
    LEASE_SECONDS,
    PATIENCE_SECONDS,
    Scene,
    freed,
    parent,
    proof,
)
from tests.component.guardian.trees import WAITS


async def test_the_lock_is_free_only_when_the_last_keeper_is_gone(scene: Scene) -> None:
    assert await freed(scene.lock)  # nobody ever held it
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, WAITS)
    keeper = parent(tree.pid)
    assert not await freed(scene.lock, 0.1)

    os.kill(keeper, signal.SIGSTOP)
    os.kill(guardian.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    assert not await freed(scene.lock, 0.1)
    assert scene.survivors() == [tree.pid]

    os.kill(keeper, signal.SIGCONT)
    assert await freed(scene.lock)
    assert scene.survivors() == []
    await proof(tree)


async def test_two_guardians_cannot_hold_one_lock(guardian: Guardian, scene: Scene) -> None:
    with pytest.raises(CannotGuard, match="an earlier guardian are still alive"):
        await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)


async def test_a_guardian_that_cannot_work_says_why(tmp_path: Path) -> None:
    with pytest.raises(CannotGuard, match="No such file or directory"):
        await Guardian.start(tmp_path / "no" / "lock", time.monotonic() + LEASE_SECONDS)
    with pytest.raises(CannotGuard, match="starting '/no/python'"):
        await Guardian.start(tmp_path / "lock", time.monotonic() + LEASE_SECONDS, "/no/python")
    with pytest.raises(CannotGuard, match="ended with code"):
        await Guardian.start(tmp_path / "lock", time.monotonic() + LEASE_SECONDS, "/bin/false")
