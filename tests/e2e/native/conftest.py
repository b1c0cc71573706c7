"""One service for the tests of all native routes, and who asks it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.running import Running, up

SOON_OVER = {
    "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1",
    "COUNTERMAND_EXECUTOR__SHUTDOWN_RUN_GRACE_SECONDS": "1",
}
"""What still runs in the end needn't be waited for."""


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    handlers = ["--handlers", "tests.authors.answering"]
    with up(tmp_path_factory.mktemp("native"), handlers, SOON_OVER) as running:
        yield running


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
