"""Regions as real processes: a service each with a log of its own, and bridges between them."""

import json
import re
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from services.control_store import open_control_store
from services.control_store.api_keys import create_key
from services.control_store.tables import region_lines
from services.world import real_world
from tests.e2e.commands import Command, begin_heard
from tests.e2e.running import Running

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60.0
NEWS_SECONDS = 30.0


class RegionalService(Running):
    """`countermand up` of one region, at an address that the others know beforehand."""

    def __init__(
        self, folder: Path, name: str, *, host: str = HOST, more: Mapping[str, Any] | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self.name = name
        self.host = host
        self.port = free_port()
        self._settings: dict[str, Any] = {}
        self._more = more or {}
        super().__init__(folder, ("--port", str(self.port), "--host", host))
        self.key, bridge_key = self.made_key("default", "admin"), self.made_key("default", "bridge")
        self.address = {"url": f"http://{host}:{self.port}", "key": bridge_key}

    def knows(self, others: Sequence["RegionalService"]) -> None:
        """Before it is started."""
        self.knows_at({each.name: each.address for each in others})

    def knows_at(self, addresses: Mapping[str, Mapping[str, Any]]) -> None:
        """The same, by name."""
        known = {"others": dict(addresses), **self._more}
        self._environment = {
            "COUNTERMAND_REGION": self.name,
            "COUNTERMAND_REGIONS": json.dumps(known),
        }

    def made_key(self, organization: str, role: str) -> str:
        """As the command line makes one, and quicker."""
        store, world = open_control_store(None, self.data), real_world()
        try:
            return store.ask_now(
                partial(
                    create_key,
                    id=str(world.new_id()),
                    organization=organization,
                    role=role,
                    now=world.now(),
                    created_by="test",
                )
            )
        finally:
            store.close()

    def copied_lines(self, organization: str) -> int:
        """Of other regions."""
        lines = region_lines
        count = sa.select(sa.func.count()).where(lines.c.organization == organization)
        store = open_control_store(None, self.data)
        try:
            return store.ask_now(lambda connection: connection.execute(count).scalar_one())
        finally:
            store.close()


class RunningBridge:
    """`countermand bridge` of one region."""

    def __init__(
        self, here: RegionalService, others: Sequence[RegionalService], **more: Any
    ) -> None:
        self._settings = {
            "here": here.address,
            "others": {each.name: each.address for each in others},
            **more,
        }
        self._name = here.name
        self._within = here.within
        self._stderr = here.folder / "bridge-stderr"
        self._process: Command | None = None

    def start(self) -> None:
        environment = {
            "COUNTERMAND_REGION": self._name,
            "COUNTERMAND_REGIONS": json.dumps(self._settings),
        }
        self._process, says = begin_heard(
            ["bridge", "--log-format", "json"], self._stderr, environment, self._within
        )
        with says:
            for line in says:
                if re.search("bridge is up", line):
                    return
        raise AssertionError(f"the bridge ended: {self.said()[-4000:]}")

    def again(self) -> "RunningBridge":
        """Another one of the same region."""
        other = RunningBridge.__new__(RunningBridge)
        other.__dict__.update(self.__dict__, _process=None)
        return other

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send(number)
        return process.wait()

    def said(self) -> str:
        return self._stderr.read_text()


def start_all(*services: RegionalService) -> None:
    """At the same time."""
    with ThreadPoolExecutor(len(services)) as threads:
        for started in [threads.submit(each.start) for each in services]:
            started.result(timeout=90)


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def known_there(http: httpx.Client, path: str, true: Callable[[Any], bool]) -> Any:
    """What a read says once it has come; asked again with `fresh`, which waits for the news.

    A region that knows nothing yet of a root can't wait for news of it: it says at once that there
    is none.
    """
    answer = None
    until = time.monotonic() + NEWS_SECONDS
    while time.monotonic() < until:
        answer = http.get(path, params={"fresh": "true"})
        if answer.status_code == 200 and true(answer.json()):
            return answer.json()
        time.sleep(0.1)
    raise AssertionError(f"{path}: {answer and answer.text[:500]}")
