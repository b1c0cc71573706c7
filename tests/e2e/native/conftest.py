"""One service for the tests of all native routes, and who asks it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.running import Running


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("native"))
    running.start()
    yield running
    assert running.stop() == 0, running.said()[-4000:]


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client


@pytest.fixture(scope="package")
def stranger(service: Running) -> Iterator[httpx.Client]:
    """Somebody of another organization."""
    with service.http(service.new_key("strangers", "admin")) as client:
        yield client


@pytest.fixture(scope="package")
def auditor(service: Running) -> Iterator[httpx.Client]:
    with service.http(service.new_key("default", "auditor", "--user", "ann")) as client:
        yield client
