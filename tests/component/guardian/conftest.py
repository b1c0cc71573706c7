"""A guardian, and a test's processes below it."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.executor.guardian.client import Guardian
from tests.component.guardian.scene import LEASE_SECONDS, PATIENCE_SECONDS, Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path / "lock")
    yield scene
    await scene.close()


@pytest.fixture
async def guardian(scene: Scene) -> AsyncIterator[Guardian]:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    yield guardian
    await guardian.close(PATIENCE_SECONDS)
