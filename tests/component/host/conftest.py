"""A host with the handlers that most tests talk to."""

from collections.abc import Iterator

import pytest

from tests.component.host.process import HostProcess


@pytest.fixture
def host() -> Iterator[HostProcess]:
    with HostProcess("answering") as host:
        yield host
