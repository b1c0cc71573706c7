"""One node of Apache Kafka (KRaft; broker and controller in one process) on 127.0.0.1.

KafkaBroker owns the node's folder, its ports and its process. A broker that was stopped or killed
starts again with the same data on the same ports.
"""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster import broker_properties
from cluster.broker_properties import Node
from cluster.jars import kafka_jars
from cluster.ports import free_ports
from cluster.probe import brokers_seen_at
from cluster.process import ServerFailed, ServerProcess
from cluster.system import JAVA, find_java, provide

HEAP = "512m"
COMPILE_LITTLE = "-XX:TieredStopAtLevel=1"
FORMAT_TIMEOUT_SECONDS = 60.0
START_TIMEOUT_SECONDS = 150.0
LOG_SETTINGS = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    # At "info" each start prints all settings, several times, and each stop every thread that ends.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server=info",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller=info",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.raft=info",
)


def new_cluster_id() -> str:
    """22 characters of base64; one with a leading dash would be taken for an option."""
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id


@dataclass
class KafkaBroker:
    """A broker alone, unless it is told of others. `settings` are properties that win over ours."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    node: Node = field(default_factory=lambda: Node(1, *free_ports(2)))
    voters: Sequence[Node] = ()
    cluster_id: str = field(default_factory=new_cluster_id)
    for_long: bool = True
    """Whether it lives long enough to earn back what compiling its code well takes."""
    scram_users: Sequence[str] = ()
    """Known from its first start on, each as `MECHANISM=[name=NAME,password=PASSWORD]`."""
    _process: ServerProcess | None = field(default=None, init=False)

    @property
    def bootstrap(self) -> str:
        return self.node.address

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    @property
    def pid(self) -> int:
        return self._started().pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Return when a client that connects here is told of this broker."""
        self.launch()
        self.wait_until_ready({self.node.number}, timeout_seconds)

    def launch(self) -> None:
        """Start without waiting: one of several nodes isn't ready before the others run."""
        if self._process is None:
            self._process = self._prepare()
        self._process.start()

    def wait_until_ready(self, nodes: set[int], timeout_seconds: float) -> None:
        """Return when a client that connects here is told of all these nodes."""
        self._started().wait_until(
            lambda: nodes <= brokers_seen_at(self.bootstrap), timeout_seconds
        )

    def raise_if_ended(self) -> None:
        self._started().raise_if_ended()

    def stop(self) -> None:
        """Shut down in order: what it leads moves to other nodes first, and its log is flushed."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        self._started().kill()

    def pause(self) -> None:
        """Stop the process where it stands: connections stay open, and nobody answers."""
        self._started().pause()

    def resume(self) -> None:
        self._started().resume()

    def _started(self) -> ServerProcess:
        if self._process is None:
            raise ServerFailed(f"the broker in {self.folder} has not been started")
        return self._process

    def _prepare(self) -> ServerProcess:
        provide(JAVA)
        java, jars = str(find_java()), f"{kafka_jars()}/*"
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        properties.write_text(
            broker_properties.text(
                self.node, self.voters or [self.node], self.folder / "data", self.settings
            )
        )
        if not (self.folder / "data" / "meta.properties").exists():
            self._format([java, COMPILE_LITTLE, "-cp", jars, *LOG_SETTINGS], properties)
        options = [f"-Xmx{HEAP}", f"-Xms{HEAP}", *([] if self.for_long else [COMPILE_LITTLE])]
        command = [java, *options, "-cp", jars, *LOG_SETTINGS, "kafka.Kafka", str(properties)]
        return ServerProcess(command, self.log)

    def _format(self, java: Sequence[str], properties: Path) -> None:
        """Write the cluster's id into an empty data folder; without it no broker starts."""
        # A half-formatted folder, from a start that was cut off, could not be formatted again.
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        tool = ["kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", str(properties)]
        users = [part for user in self.scram_users for part in ("--add-scram", user)]
        done = subprocess.run(
            [*java, *tool, *users],
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"Kafka could not format {self.folder}:\n{done.stdout}{done.stderr}")
