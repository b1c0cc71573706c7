"""One broker and one PostgreSQL for all figures of a run, and services on topics of their own."""

import asyncio
import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import URL

from benchmarks.folder import folder_on_disk
from cluster.broker import KafkaBroker
from cluster.databases import fresh_database
from cluster.postgres import PostgresServer
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.topic import Topic, ensure

STOP_SECONDS = 60.0
PARTITIONS = 12
MODULES = ["countermand.handlers.samples", "benchmarks.timed_handlers"]


@dataclass(frozen=True, slots=True)
class Servers:
    """As long as this process."""

    kafka: str
    postgres: URL


@cache
def servers() -> Servers:
    """Started when the first figure needs them; on the disk this runs on, like everything else."""
    build = Path("build").absolute()
    build.mkdir(exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="benchmark-kafka-", dir=build)
    atexit.register(folder.cleanup)
    # PostgreSQL runs as a user of its own, who may not look into folders of ours.
    database = tempfile.TemporaryDirectory(prefix="countermand-benchmark-")
    atexit.register(database.cleanup)
    broker, postgres = KafkaBroker(Path(folder.name)), PostgresServer(Path(database.name))
    for server in (broker, postgres):
        atexit.register(server.stop)
        server.start()
    return Servers(broker.bootstrap, postgres.url)


@dataclass(frozen=True, slots=True)
class Site:
    """Topics and a database of its own."""

    kafka: str
    database: URL
    broker: BrokerSettings
    folder: Path

    @property
    def bare(self) -> Topic:
        """Of the bare parts: nobody of ours follows it."""
        return Topic(f"{self.broker.topic_prefix}-bare", 1)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "COUNTERMAND_KAFKA": self.kafka,
            "COUNTERMAND_POSTGRES": plain(self.database),
            "COUNTERMAND_BROKER__TOPIC_PREFIX": self.broker.topic_prefix,
            "COUNTERMAND_BROKER__PARTITIONS": str(self.broker.partitions),
            "COUNTERMAND_GATEWAY__PORT": "0",
            # The samples too, as with `countermand up`: what a benchmark submits is really run.
            "COUNTERMAND_EXECUTOR__MODULES": json.dumps(MODULES),
            "COUNTERMAND_EXECUTOR__ISOLATED_HOSTS_READY": "0",
        }

    def run(self, service: str, *arguments: str) -> str:
        """A command that ends by itself; what it prints."""
        command = [sys.executable, "-m", "countermand.cli", service, *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.strip()


@contextmanager
def site() -> Iterator[Site]:
    prefix = f"benchmark-{uuid.uuid4().hex}"
    with folder_on_disk() as folder, fresh_database(servers().postgres) as database:
        broker = BrokerSettings(topic_prefix=prefix, partitions=PARTITIONS)
        ours = Site(servers().kafka, database, broker, folder.absolute())
        asyncio.run(ensure(Connection(ours.kafka), ours.bare, Limits(), create=True))
        yield ours


@contextmanager
def services(site: Site, *names: str) -> Iterator[list[str]]:
    """These processes; where each is, once all of them are up."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(process(site, name, site.folder / f"data-{number}"))
            for number, name in enumerate(names)
        ]
        yield [where(each) for each in processes]


@contextmanager
def process(
    site: Site, name: str, data: Path, health_port: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """`health_port`: where a service without an HTTP side of its own says how it is."""
    environment = {**os.environ, **site.environment, "COUNTERMAND_DATA": str(data)}
    if health_port is not None:
        environment["COUNTERMAND_HEALTH__PORT"] = str(health_port)
    started = subprocess.Popen(
        [sys.executable, "-m", "countermand.cli", name],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(STOP_SECONDS)
        if started.stdout is not None:
            started.stdout.close()


def where(started: "subprocess.Popen[str]") -> str:
    assert started.stdout is not None
    for line in started.stdout:
        if found := re.search(r"is up: (.+)$", line):
            return found[1]
    raise AssertionError("a service did not start; see what it says above")


def plain(database: URL) -> str:
    """As psycopg and the settings take it."""
    return database.set(drivername="postgresql").render_as_string(hide_password=False)
