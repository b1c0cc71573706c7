"""Services that the tests of a module share, and HTTP to them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.members import Members
from tests.e2e.running import Running, up


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For tests that don't hurt it."""
    with up(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def http(members: Members) -> Iterator[httpx.Client]:
    """To the first gateway of the module's `members` that is alive."""
    with members.http(members.of("gateway")[0]) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
