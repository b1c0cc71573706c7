"""One service for the tests of a module that don't hurt it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("service"))
    running.start()
    yield running
    assert running.stop() == 0, running.said()[-4000:]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
