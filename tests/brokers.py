"""The real Kafka and the real PostgreSQL that tests ask for, one of each for the session.

An address in COUNTERMAND_KAFKA or COUNTERMAND_POSTGRES is used instead of starting one. Where
neither can be had, the tests that ask are skipped, and the reason says what to install.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from cluster.broker import KafkaBroker
from cluster.databases import fresh_database
from cluster.postgres import PostgresServer
from cluster.system import Unavailable


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[str]:
    """The bootstrap address of a broker that all tests share: topics need names of their own."""
    if given := os.environ.get("COUNTERMAND_KAFKA"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="countermand-kafka-") as folder:
        broker = KafkaBroker(Path(folder))
        try:
            broker.start()
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield broker.bootstrap
        broker.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The address of a server on which tests may create databases."""
    if given := os.environ.get("COUNTERMAND_POSTGRES"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    # Not in pytest's own folder: that one is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="countermand-postgres-") as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield server.url
        server.stop()


@pytest.fixture
def postgres_database(postgres_server: URL) -> Iterator[URL]:
    """An empty database for one test."""
    with fresh_database(postgres_server) as url:
        yield url
