"""The real Kafka and the real PostgreSQL that tests ask for, one of each for the session.

An address in COUNTERMAND_KAFKA or COUNTERMAND_POSTGRES is used instead of starting one. Where
neither can be had, the tests that ask are skipped, and the reason says what to install. Who hurts
brokers has one, or a cluster of three, for its own module.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import URL, make_url

from cluster.broker import KafkaBroker
from cluster.broker_cluster import KafkaCluster
from cluster.databases import fresh_database
from cluster.postgres import PostgresServer
from cluster.system import Unavailable

Server = TypeVar("Server", KafkaBroker, KafkaCluster, PostgresServer)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Skips the test where it can't be had."""
    try:
        server.start()
    except Unavailable as reason:
        pytest.skip(str(reason))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[str]:
    """The bootstrap address of a broker that all tests share: topics need names of their own."""
    if given := os.environ.get("COUNTERMAND_KAFKA"):
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="countermand-kafka-") as folder,
        running(KafkaBroker(Path(folder), for_long=False)) as broker,
    ):
        yield broker.bootstrap


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that the tests of one module may hurt."""
    with running(KafkaBroker(tmp_path_factory.mktemp("kafka"), for_long=False)) as broker:
        yield broker


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """Three of them: everything is kept three times, and a write needs two."""
    with running(KafkaCluster(tmp_path_factory.mktemp("kafka"), for_long=False)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The address of a server on which tests may create databases."""
    if given := os.environ.get("COUNTERMAND_POSTGRES"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    # Not in pytest's own folder: that one is closed to the user that the server runs as.
    with (
        tempfile.TemporaryDirectory(prefix="countermand-postgres-") as folder,
        running(PostgresServer(Path(folder))) as server,
    ):
        yield server.url


@pytest.fixture
def postgres_database(postgres_server: URL) -> Iterator[URL]:
    """An empty database for one test."""
    with fresh_database(postgres_server) as url:
        yield url
