"""One service for the tests of all dialects, with handlers, sites and providers to try."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.dialects.trying import SETTINGS, new_key, public_key
from tests.e2e.running import Running, up


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("dialects")
    (folder / "key.pem").write_text(public_key())
    environment = {name: json.dumps(value) for name, value in SETTINGS.items()}
    environment["COUNTERMAND_JWT__KEYS_FILE"] = str(folder / "key.pem")
    with up(folder, environment=environment) as running:
        yield running


@pytest.fixture(scope="package")
def stranger(service: Running) -> str:
    """A key of another organization."""
    return new_key(service, "strangers", "admin")


@pytest.fixture(scope="package")
def auditor(service: Running) -> str:
    """A key that may only look."""
    return new_key(service, "default", "auditor")


@pytest.fixture
def http(service: Running) -> Iterator[httpx.Client]:
    """No credentials: each dialect's tests bring them in their own form."""
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


@pytest.fixture
def native(service: Running) -> Iterator[httpx.Client]:
    with service.http() as client:
        yield client
