"""Two regions with a bridge between them: what a cancel costs that one takes and the other decides.

The limits: what nobody can do without, an HTTP round trip and two durable appends; and the appends
themselves.
"""

import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks.figures import Figure, Measurement, at_least, at_most, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.log import PlainTable
from benchmarks.plain_http import Ask, Connection, with_connections
from benchmarks.servers import Server, bare
from benchmarks.single_cancels import TASKS
from events.cancel_events import CancelRequested
from events.log import Message, message
from events.positions import after
from services.control_store import open_control_store
from services.control_store.api_keys import create_key
from services.embedded_log import open_log, open_log_reader
from services.world import real_world
from tests.builders import nothing_yet

CANCELS_PER_ROUND = 20
IDLE_SECONDS = 0.005
"""Before each cancel, and before each round trip of the limit."""
ROUNDS = 5
CAUGHT_UP = 4_000
CONNECTIONS = 64
FAR_FUTURE = "2099-01-01T00:00:00Z"
CANCEL = f'"type":"{CancelRequested.TYPE}"'.encode()


class Bridge:
    """`countermand bridge` of b."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = started(["bridge"], self._environment, "bridge is up")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            if self._process.stdout is not None:
                self._process.stdout.close()


class Regions(NamedTuple):
    """`a`, where tasks are at home, and `b`, where they are cancelled."""

    a: Server
    b: Server
    bridge: Bridge


def started(words: list[str], environment: dict[str, str], until: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "countermand.cli", *words, "--log-format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(until, line):
            return process
    raise AssertionError(f"{words} ended with {process.wait()}")


@contextmanager
def regions(*, carry: bool) -> Iterator[Regions]:
    """`carry`: b does it itself, and needs no bridge."""
    with folder_on_disk() as folder, ExitStack() as stack:
        ports = {name: free_port() for name in "ab"}
        keys = {name: made_keys(folder / name) for name in "ab"}
        address = {
            name: {"url": f"http://127.0.0.1:{ports[name]}", "key": keys[name][1]} for name in "ab"
        }
        servers = []
        for name, other in (("a", "b"), ("b", "a")):
            known = {"others": {other: address[other]}, "carry": carry and name == "b"}
            environment = {"COUNTERMAND_REGION": name, "COUNTERMAND_REGIONS": json.dumps(known)}
            words = ["up", "--port", str(ports[name]), "--data", str(folder / name)]
            process = started(words, environment, "history my-task")
            stack.callback(end, process)
            headers = f"authorization: Bearer {keys[name][0]}\r\n"
            servers.append(Server(ports[name], headers, folder / name))
        both = {"here": address["b"], "others": {"a": address["a"]}}
        bridge = Bridge({"COUNTERMAND_REGION": "b", "COUNTERMAND_REGIONS": json.dumps(both)})
        stack.callback(bridge.stop)
        yield Regions(servers[0], servers[1], bridge)


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(30)
    if process.stdout is not None:
        process.stdout.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def made_keys(data: Path) -> list[str]:
    store, world = open_control_store(None, data), real_world()
    try:
        return [
            store.ask_now(
                partial(
                    create_key,
                    id=str(world.new_id()),
                    organization="default",
                    role=role,
                    now=world.now(),
                    created_by="benchmark",
                )
            )
            for role in ("admin", "bridge")
        ]
    finally:
        store.close()


# -------------------------------------------------------------------------------- one by one


def added_latency() -> Measurement:
    """Of tasks that wait for their time: nothing has to be stopped, only decided. They are there
    before the first is cancelled, and everybody is as idle as between two cancels."""
    with regions(carry=True) as there, bare_appends() as limit:
        at_a, at_b = there.a.connection(), there.b.connection()
        numbers = count()

        def pending() -> str:
            task_id = f"far-{next(numbers)}"
            asked = {"id": task_id, "kind": "sleep", "not_before": FAR_FUTURE}
            status, body = at_a.ask("POST", TASKS, asked)
            assert status == 201, body
            return task_id

        def cancel_ms(task_id: str, at: Connection, order: dict[str, str]) -> float:
            time.sleep(IDLE_SECONDS)
            began = time.perf_counter()
            status, body = at.ask("POST", f"{TASKS}/{task_id}/cancel", order)
            took_ms = (time.perf_counter() - began) * 1000
            assert status == 200, body
            return took_ms

        def added_ms() -> float:
            tasks = [pending() for _ in range(2 * CANCELS_PER_ROUND)]
            far = [cancel_ms(each, at_b, {"region": "a"}) for each in tasks[::2]]
            near = [cancel_ms(each, at_a, {}) for each in tasks[1::2]]
            return statistics.median(far) - statistics.median(near)

        return in_turns(added_ms, limit, "ms", ROUNDS)


@contextmanager
def bare_appends() -> Iterator[Callable[[], float]]:
    """A round trip to a server that commits durably once, and one more durable commit."""
    with (
        folder_on_disk() as folder,
        bare(folder) as server,
        closing(PlainTable(folder / "plain.db")) as table,
    ):
        connection = server.connection()
        one = [message(event) for event in nothing_yet().submitted(kind="k").events]

        def limit() -> float:
            took = []
            for _ in range(CANCELS_PER_ROUND):
                time.sleep(IDLE_SECONDS)
                began = time.perf_counter()
                status, body = connection.ask("POST", "/one", {"value": "x" * 500})
                table.insert(one)
                took.append((time.perf_counter() - began) * 1000)
                assert status < 300, body
            return statistics.median(took)

        yield limit


# ---------------------------------------------------------------------------------- after a cut


def catching_up() -> Measurement:
    """Requests that were taken while nothing was carried, from the first arrival to the last. A
    cut for each round."""
    with regions(carry=False) as there:
        # They have known each other before the first cut.
        there.bridge.start()
        accept(there.b, "before", CONNECTIONS)
        arrived_us(there.a, CONNECTIONS)
        cuts = count(1)

        def caught_up_per_second() -> float:
            number = next(cuts)
            there.bridge.stop()
            accept(there.b, f"cut-{number}", CAUGHT_UP)
            there.bridge.start()
            times = arrived_us(there.a, CONNECTIONS + number * CAUGHT_UP)[-CAUGHT_UP:]
            return (CAUGHT_UP - 1) / ((times[-1] - times[0]) / 1_000_000)

        return in_turns(caught_up_per_second, plain_appends_per_second, "requests/s", ROUNDS)


def accept(server: Server, name: str, cancels: int) -> None:
    async def work(number: int, ask: Ask) -> None:
        for each in range(number, cancels, CONNECTIONS):
            status, body = await ask("POST", f"{TASKS}/{name}-{each}/cancel", b'{"region": "a"}')
            assert status == 202, body

    headers = f"{server.headers}prefer: respond-async\r\n"
    with_connections(server.port, CONNECTIONS, headers, work)


def arrived_us(server: Server, expected: int) -> list[int]:
    """When so many had arrived, by the append times in the home region's log. It is read without
    asking its service: that one has enough to do."""

    async def times() -> list[int]:
        deadline = time.monotonic() + 120
        reader = await open_log_reader(server.folder / "history.sqlite", "history")
        try:
            frontier: dict[int, int] = {}
            found: list[int] = []
            while len(found) < expected:
                assert time.monotonic() < deadline, "they didn't arrive"
                records = await reader.read(frontier, 1_000)
                frontier = after(frontier, (record.position for record in records))
                found += [x.appended_at_us for x in records if CANCEL in x.value]
                if not records:
                    await asyncio.sleep(0.5)
            return found
        finally:
            await reader.close()

    return sorted(asyncio.run(times()))


def plain_appends_per_second() -> float:
    """As many events by as many callers, into a log of nobody else."""
    events = [nothing_yet(f"cut-{n}").cancel_requested(hold_seconds=60) for n in range(CAUGHT_UP)]
    batch: list[Message] = [message(history.events[0]) for history in events]

    async def appended(folder: Path) -> float:
        log = await open_log(folder / "plain.db", "history", lambda: time.time_ns() // 1000)

        async def caller(number: int) -> None:
            for each in batch[number::CONNECTIONS]:
                await log.append([each])

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(caller(number))
        took = time.perf_counter() - began
        await log.close()
        return CAUGHT_UP / took

    with (
        folder_on_disk() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(appended(folder))


FIGURES = [
    Figure(
        name="regions: added latency of a cancel decided elsewhere",
        beside="a bare HTTP round trip and two durable appends",
        target=at_most(2),
        measure=added_latency,
    ),
    Figure(
        name="regions: catching up after a cut, requests/s",
        beside="plain appends of as many events by 64 callers",
        target=at_least(0.3),
        measure=catching_up,
    ),
]
