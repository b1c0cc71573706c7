"""`python -m cluster` and `python -m cluster.kafka`, as `make cluster` and `make kafka` start them:
what they start is what the compose file says, it works, and with them it ends."""

import asyncio
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cluster.composed import compose_file, filled_in
from cluster.system import JAVA, MAVEN, POSTGRES, Program, Unavailable, provide
from tests.e2e.asking import WAIT, running
from tests.e2e.commands import REPOSITORY, environment_here
from tests.rig import MARKER

UP_SECONDS = 240.0
END_SECONDS = 100.0
LAST_WORDS = "stops"
ADDRESSES = {
    "COUNTERMAND_KAFKA",
    "COUNTERMAND_POSTGRES",
    "COUNTERMAND_HEALTH__HOST",
    "COUNTERMAND_HEALTH__PORT",
}
"""What can't be as in containers: each process has its own, on this machine."""


class Foreground:
    """A program that runs until it is told to stop."""

    def __init__(self, process: "subprocess.Popen[str]", marker: str) -> None:
        self.process = process
        self.marker = marker
        self.told = ""

    def until_up(self) -> None:
        """It has said how to stop it; that is its last line."""
        assert self.process.stdout is not None
        late = threading.Timer(UP_SECONDS, self.process.kill)
        late.start()
        for line in self.process.stdout:
            self.told += line
            if LAST_WORDS in line:
                break
        late.cancel()
        assert LAST_WORDS in self.told, f"it didn't come up: {self.told}"

    def found(self, pattern: str) -> str:
        [found] = re.findall(pattern, self.told)
        return str(found)

    def servers(self) -> list[psutil.Process]:
        """What it has started itself."""
        return psutil.Process(self.process.pid).children()

    def left(self) -> list[psutil.Process]:
        """Whoever shows the mark, itself aside."""
        return [each for each in psutil.process_iter() if self._is_of_it(each)]

    def _is_of_it(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get(MARKER) == self.marker
            return marked and process.pid != self.process.pid
        except psutil.Error:
            return False

    def stop(self) -> None:
        """SIGTERM; all that it started ends, and it ends well."""
        began = {*self.left(), *psutil.Process(self.process.pid).children(recursive=True)}
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=END_SECONDS)[0]
        assert self.process.returncode == 0, rest
        assert "Traceback" not in rest
        assert [each for each in began if each.is_running()] == []
        assert self.left() == []


@contextmanager
def foreground(module: str, *arguments: str) -> Iterator[Foreground]:
    marker = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=REPOSITORY,
        env={**environment_here(), MARKER: marker},
    )
    it = Foreground(process, marker)
    try:
        it.until_up()
        yield it
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        for each in it.left():
            with suppress(psutil.NoSuchProcess):
                each.kill()


def have(*programs: Program) -> None:
    try:
        provide(*programs)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.kafka
def test_kafka_alone_takes_records_where_it_says_and_leaves_nothing() -> None:
    have(JAVA, MAVEN)
    with foreground("cluster.kafka") as kafka:
        folder = Path(kafka.found(r"data and logs are in (\S+)\. "))
        assert folder.exists()
        assert asyncio.run(stored_at(kafka.found(r"export COUNTERMAND_KAFKA=(\S+)"))) == 0
        assert len(kafka.servers()) == 1
        kafka.stop()
        assert not folder.exists()


async def stored_at(address: str) -> int:
    """The place of a record in a new topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("one", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        return int((await producer.send_and_wait("one", b"kept")).offset)


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.prove
@pytest.mark.long
@pytest.mark.timeout(UP_SECONDS + END_SECONDS + 60)
def test_the_cluster_is_the_compose_file_and_ends_as_one() -> None:
    have(JAVA, MAVEN, POSTGRES)
    with foreground("cluster", "--port", "0") as cluster:
        folder = Path(cluster.found(r"Data and logs are in (\S+)\. "))
        # 1. What it starts is what the file says, and a broker and a database.
        ours = [each for each in cluster.servers() if "countermand.cli" in each.cmdline()]
        assert Counter(map(said_to, ours)) == expected()
        assert len(cluster.servers()) == len(ours) + 2
        # 2. It carries a task to its cancel, through its one port.
        url = cluster.found(r"export COUNTERMAND_URL=(\S+)")
        key = cluster.found(r"COUNTERMAND_KEY=(\S+)")
        with httpx.Client(
            base_url=f"{url}/countermand/v1",
            headers={"authorization": f"Bearer {key}"},
            timeout=60,
        ) as http:
            task_id = running(http)
            receipt = http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()
            assert (receipt["verdict"], receipt["status"]) == ("effective", "cancelled")
            assert receipt["evidence"] not in (None, "presumed")
            history = http.get(f"/tasks/{task_id}/history").json()["items"]
            assert receipt["event_id"] in {line["event"]["id"] for line in history}
        # 3. Nothing of it is left.
        cluster.stop()
        assert not folder.exists()


def said_to(process: psutil.Process) -> tuple[Sequence[str], frozenset[tuple[str, str]]]:
    """The command and the settings of a process, but for what each has of its own."""
    arguments = process.cmdline()
    command = arguments[arguments.index("countermand.cli") + 1 :]
    settings = {
        name: value
        for name, value in process.environ().items()
        if name.startswith("COUNTERMAND_") and name not in environment_here()
    }
    assert settings.keys() >= ADDRESSES
    assert settings["COUNTERMAND_HEALTH__HOST"] == "127.0.0.1"
    return as_wanted(command, {n: v for n, v in settings.items() if n != "COUNTERMAND_DATA"})


def expected() -> Counter[tuple[Sequence[str], frozenset[tuple[str, str]]]]:
    """By the file itself, so many times each."""
    wanted: Counter[tuple[Sequence[str], frozenset[tuple[str, str]]]] = Counter()
    for said in compose_file()["services"].values():
        if said["image"] == "countermand":
            settings = {name: filled_in(value) for name, value in said["environment"].items()}
            wanted[as_wanted(said["command"], settings)] += said["deploy"]["replicas"]
    return wanted


def as_wanted(
    command: Sequence[str], settings: Mapping[str, str]
) -> tuple[Sequence[str], frozenset[tuple[str, str]]]:
    """Values that are addresses are left out; that they are given isn't."""
    own = {each + 1 for each, option in enumerate(command) if option in ("--host", "--port")}
    return (
        tuple("..." if number in own else text for number, text in enumerate(command)),
        frozenset((name, "..." if name in ADDRESSES else text) for name, text in settings.items()),
    )
