"""The real MirrorMaker 2, which copies topics of one cluster into another one.

Knows nothing of what is in them. It runs in its dedicated mode: a process of its own, and no Kafka
Connect beside it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cluster.jars import MIRROR_MAKER, kafka_jars
from cluster.process import ServerFailed, ServerProcess
from cluster.system import JAVA, find_java, provide

HEAP = "256m"
SETTINGS = {
    "tasks.max": "1",
    "refresh.topics.interval.seconds": "1",
    "emit.heartbeats.enabled": "false",
    "emit.checkpoints.enabled": "false",
    "sync.topic.acls.enabled": "false",
    "sync.topic.configs.enabled": "false",
    "replication.factor": "1",
    "offset-syncs.topic.replication.factor": "1",
    "offset.storage.replication.factor": "1",
    "status.storage.replication.factor": "1",
    "config.storage.replication.factor": "1",
    "offset.storage.partitions": "1",
    "status.storage.partitions": "1",
}
LOG_SETTINGS = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)


@dataclass
class MirrorMaker:
    """From cluster `a` to cluster `b`; a copy's name begins with `a.`."""

    folder: Path
    a: str
    """Its brokers."""
    b: str
    topic: str
    _process: ServerProcess | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.folder / "mirror-maker.log"

    @property
    def pid(self) -> int:
        return self._started().pid

    def start(self) -> None:
        """It copies some seconds later, from where it was when it last noted that."""
        if self._process is None:
            self._process = self._prepare()
        self._process.start()

    def raise_if_ended(self) -> None:
        self._started().raise_if_ended()

    def stop(self) -> None:
        """It notes how far it has come."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """It begins again where it was before."""
        if self._process is not None:
            self._process.kill()

    def _started(self) -> ServerProcess:
        if self._process is None:
            raise ServerFailed(f"the MirrorMaker in {self.folder} has not been started")
        return self._process

    def _prepare(self) -> ServerProcess:
        provide(JAVA)
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "mirror-maker.properties"
        settings = {
            "clusters": "a, b",
            "a.bootstrap.servers": self.a,
            "b.bootstrap.servers": self.b,
            "a->b.enabled": "true",
            "a->b.topics": self.topic,
            "b->a.enabled": "false",
            **SETTINGS,
        }
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        java = [str(find_java()), f"-Xmx{HEAP}", "-XX:TieredStopAtLevel=1"]
        program = ["org.apache.kafka.connect.mirror.MirrorMaker", str(properties)]
        classes = ["-cp", f"{kafka_jars(MIRROR_MAKER)}/*"]
        return ServerProcess([*java, *classes, *LOG_SETTINGS, *program], self.log)
