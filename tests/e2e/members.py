"""Services of several processes on a broker and a database: each started, killed, stopped alone."""

import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
from sqlalchemy import URL

from cluster.databases import fresh_database
from services.kafka_log.topic import Topic
from tests.e2e.commands import REPOSITORY, Command, begin_heard, run

START_SECONDS = 180.0
COMES_SECONDS = 120.0
EXCLUSIVE = {
    "COUNTERMAND_EXECUTOR__MODULES": '["tests.authors.exclusive"]',
    "COUNTERMAND_EXECUTOR__MODULE_PATHS": f'["{REPOSITORY}"]',
}
"""Settings: what runs holds a lock, so that whoever looks sees whether it does."""


@dataclass
class Member:
    """One process: `countermand gateway`, or another service."""

    service: str
    folder: Path
    environment: Mapping[str, str]
    launcher: Sequence[str] = ()
    """What starts it, e.g. in another network."""
    where: str = ""
    """The gateway's address, or whom the service is on the log."""
    _process: Command | None = None
    _up: threading.Event = field(default_factory=threading.Event)

    def launch(self, *arguments: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._up.clear()
        self._process, says = begin_heard(
            [self.service, *arguments], self.folder / "stderr", self.environment, self.launcher
        )
        threading.Thread(target=self._listen, args=(says,), daemon=True).start()

    def until_up(self) -> None:
        if not self._up.wait(START_SECONDS) or not self.where:
            raise AssertionError(f"{self.service} did not start: {self.said()[-4000:]}")

    def _listen(self, says: IO[str]) -> None:
        with says:
            for line in says:
                if found := re.search(r"is up: (.+)$", line):
                    self.where = found[1]
                    self._up.set()
        self._up.set()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        assert self._process is not None
        self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: it stands where it is, with its connections open."""
        assert self._process is not None
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send(signal.SIGCONT)

    def stop(self) -> int:
        """As an operator does; the exit code."""
        assert self._process is not None
        self._process.send(signal.SIGTERM)
        try:
            return self._process.wait()
        except TimeoutError:
            self.kill()
            raise AssertionError(f"{self.service} didn't stop: {self.said()[-4000:]}") from None

    def said(self) -> str:
        return (self.folder / "stderr").read_text()


class Members:
    """All processes of one service, on topics and a database of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.all: list[Member] = []
        self.key = ""

    def member(self, service: str, **environment: str) -> Member:
        """One more, not started yet, with a folder of its own."""
        folder = self.folder / f"{service}-{len(self.all) + 1}"
        given = {**self.environment, **environment, "COUNTERMAND_DATA": str(folder / "data")}
        if service == "gateway":
            given |= {"COUNTERMAND_GATEWAY__PORT": "0"}
        member = Member(service, folder, given)
        self.all.append(member)
        return member

    def start(self, *services: str) -> list[Member]:
        """So many more, all at once."""
        members = [self.member(service) for service in services]
        for member in members:
            member.launch()
        for member in members:
            member.until_up()
        return members

    def of(self, service: str) -> list[Member]:
        """Those that are alive."""
        return [each for each in self.all if each.service == service and each.alive]

    @property
    def history(self) -> Topic:
        prefix = self.environment["COUNTERMAND_BROKER__TOPIC_PREFIX"]
        partitions = int(self.environment["COUNTERMAND_BROKER__PARTITIONS"])
        return Topic(f"{prefix}-history", partitions)

    def make_key(self) -> None:
        made = run(["keys", "create", "--org", "acme", "--role", "admin"], self.environment)
        assert made.returncode == 0, made.stderr
        self.key = made.stdout.strip()

    def http(self, gateway: Member) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=gateway.where + "/countermand/v1", headers=headers, timeout=60)

    def end(self) -> None:
        for member in self.all:
            if member.alive:
                member.kill()


@contextmanager
def members_on(
    kafka: str,
    postgres: URL,
    folder: Path,
    settings: Mapping[str, str],
    *,
    lease_seconds: float,
    partitions: int = 4,
) -> Iterator[Members]:
    """Nobody yet, but topics and a database of their own, and a key. Whoever is still alive at the
    end is killed."""
    with fresh_database(postgres) as database:
        address = database.set(drivername="postgresql").render_as_string(hide_password=False)
        environment = {
            "COUNTERMAND_KAFKA": kafka,
            "COUNTERMAND_POSTGRES": address,
            "COUNTERMAND_BROKER__TOPIC_PREFIX": f"test-{uuid.uuid4().hex}",
            "COUNTERMAND_BROKER__PARTITIONS": str(partitions),
            "COUNTERMAND_LOG_FORMAT": "json",
            "COUNTERMAND_EXECUTOR__ISOLATED_HOSTS_READY": "0",
            "COUNTERMAND_EXECUTOR__LEASE_SECONDS": str(lease_seconds),
            "COUNTERMAND_WATCHDOG__LEASE_SECONDS": str(lease_seconds),
            "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1",
            **settings,
        }
        found = Members(folder, environment)
        found.make_key()
        try:
            yield found
        finally:
            found.end()


def until(
    found: Callable[[], Any], says: Callable[[], str] = lambda: "", seconds: float = COMES_SECONDS
) -> None:
    """Look again and again: processes that are no server of ours have no other way to tell."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"it never came: {says()}"
        time.sleep(0.05)
