"""Processes that join a service with a long past: from their start to the first thing they do.

An executor is at work when it runs what was pending, a gateway when its cancel of that is answered,
others when they say that they are ready.
"""

import asyncio
import json
import time
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

from benchmarks.figures import Figure, Measurement, at_most, compared
from benchmarks.finished import finished_in_projects
from benchmarks.on_kafka.projecting import fill, rebuild_in_a_process
from benchmarks.on_kafka.site import Site, process, services, site, where
from benchmarks.plain_http import Connection
from benchmarks.progress import tell
from benchmarks.single_cancels import TASKS
from cluster.ports import free_ports

FINISHED_TASKS = 1_000_000
ROUNDS = 3
OTHERS = ("projector", "watchdog", "pulse-worker")
JOINS_SECONDS = 120.0
LIMIT_SECONDS = 10.0


class Joined(NamedTuple):
    """What each of them took."""

    executor_seconds: float
    gateway_seconds: float
    others_seconds: tuple[float, ...]
    """Until each was ready, of `OTHERS`."""

    @property
    def slowest_seconds(self) -> float:
        return max(self.executor_seconds, self.gateway_seconds, *self.others_seconds)


@cache
def joined(finished: int) -> Joined:
    """The median of some rounds."""
    with site() as ours:
        if finished:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(fill(ours, finished_in_projects(finished)))
            rebuild_in_a_process(ours)
        with services(ours, "gateway", "projector") as (gateway, _):
            key = ours.run("keys", "create", "--org", "acme", "--role", "admin")
            headers = f"authorization: Bearer {key}\r\nprefer: wait=30\r\n"
            rounds = [join(ours, gateway, headers, number) for number in range(ROUNDS)]
    return sorted(rounds)[ROUNDS // 2]


def join(ours: Site, gateway: str, headers: str, number: int) -> Joined:
    tell(f"round {number + 1} of {ROUNDS}")
    here = connection(gateway, headers)
    file = ours.folder / "stopped"
    file.touch()
    task_id = f"joined-{number}"
    asked = {"id": task_id, "kind": "timed", "payload": {"file": str(file)}}
    status, body = here.ask("POST", TASKS, asked)
    assert status == 201, body
    began = time.perf_counter()
    with process(ours, "executor", ours.folder / f"executor-{number}"):
        until_running(here, task_id)
        executor_seconds = time.perf_counter() - began
        began = time.perf_counter()
        with process(ours, "gateway", ours.folder / f"gateway-{number}") as other:
            there = connection(where(other), headers)
            _, body = there.ask("POST", f"{TASKS}/{task_id}/cancel", {})
            gateway_seconds = time.perf_counter() - began
            there.close()
        assert json.loads(body)["status"] == "cancelled", body
    here.close()
    others = tuple(ready_seconds(ours, name, number) for name in OTHERS)
    return Joined(executor_seconds, gateway_seconds, others)


def ready_seconds(ours: Site, name: str, number: int) -> float:
    [port] = free_ports(1)
    began = time.perf_counter()
    with process(ours, name, ours.folder / f"{name}-{number}", health_port=port) as other:
        where(other)
        there = Connection(port)
        while there.ask("GET", "/readyz")[0] != 200:
            assert time.perf_counter() - began < JOINS_SECONDS, f"{name} isn't ready"
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        there.close()
    return seconds


def connection(address: str, headers: str) -> Connection:
    port = urlsplit(address).port
    assert port is not None
    return Connection(port, headers)


def until_running(gateway: Connection, task_id: str) -> None:
    deadline = time.monotonic() + JOINS_SECONDS
    while True:
        _, body = gateway.ask("GET", f"{TASKS}/{task_id}")
        if json.loads(body)["status"] == "running":
            return
        assert time.monotonic() < deadline, "nobody runs it"
        time.sleep(0.01)


def executor() -> Measurement:
    late, early = joined(FINISHED_TASKS), joined(0)
    return compared(late.executor_seconds, early.executor_seconds, "s")


def gateway() -> Measurement:
    late, early = joined(FINISHED_TASKS), joined(0)
    return compared(late.gateway_seconds, early.gateway_seconds, "s")


def slowest() -> Measurement:
    return compared(joined(FINISHED_TASKS).slowest_seconds, LIMIT_SECONDS, "s")


FIGURES = [
    Figure(
        "kafka: executor, start to first run, with 1,000,000 finished tasks in the log",
        "the same with an empty log",
        at_most(1.5),
        executor,
    ),
    Figure(
        "kafka: gateway, start to first answered cancel, with 1,000,000 finished tasks in the log",
        "the same with an empty log",
        at_most(1.5),
        gateway,
    ),
    Figure(
        "kafka: the slowest of all services to join, with 1,000,000 finished tasks in the log",
        "ten seconds",
        at_most(1),
        slowest,
    ),
]
