"""Executors on a stage, whose runs end when and as a test says."""

from collections.abc import AsyncIterator

import pytest

from tests.component.stage import Stage, a_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as stage:
        yield stage
