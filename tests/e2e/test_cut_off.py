"""Executors whose network is cut: they fence themselves, and nobody calls their runs lost before.

The executor lives in a network of its own, whose one cable to the broker is cut.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import URL

from cluster.broker import KafkaBroker
from cluster.ports import free_ports
from events.run_events import RunLost
from projections.entry import decoded
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.brokers import running
from tests.chaos.locks import held
from tests.chaos.network import Network, NoNetworks, a_network
from tests.e2e.asking import WAIT
from tests.e2e.members import COMES_SECONDS, EXCLUSIVE, Member, Members, members_on, until
from tests.e2e.running import until_running
from tests.proof_size import count

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(600),
]

LEASE_SECONDS = 5.0
KILL_SECONDS = 1.0
"""What a guardian on a busy machine may take to kill once the lease is over."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    try:
        with a_network() as network:
            yield network
    except NoNetworks as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def broker(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Reached by us at the loopback, and by the other network through the cable."""
    [port] = free_ports(1)
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), for_long=False)
    ours, cable = f"PLAINTEXT://{broker.node.address}", f"CABLE://{network.our_address}:{port}"
    controller = f"CONTROLLER://127.0.0.1:{broker.node.controller_port}"
    protocols = "PLAINTEXT:PLAINTEXT,CABLE:PLAINTEXT,CONTROLLER:PLAINTEXT"
    broker.settings = {
        "listeners": f"{ours},{cable},{controller}",
        "advertised.listeners": f"{ours},{cable}",
        "listener.security.protocol.map": protocols,
        "inter.broker.listener.name": "PLAINTEXT",
    }
    with running(broker):
        yield broker


@pytest.fixture(scope="module")
def members(
    broker: KafkaBroker,
    network: Network,
    postgres_server: URL,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Members]:
    assert postgres_server.port is not None
    network.show(postgres_server.port)
    with members_on(
        broker.bootstrap,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_BROKER__REQUEST_TIMEOUT_SECONDS": "2",
            **EXCLUSIVE,
        },
        lease_seconds=LEASE_SECONDS,
        partitions=2,
    ) as found:
        found.start("gateway", "projector", "watchdog")
        yield found


@pytest.fixture(scope="module")
def afar(members: Members, broker: KafkaBroker, network: Network) -> Member:
    """The executor at the other end of the cable."""
    cable = next(
        each.removeprefix("CABLE://")
        for each in broker.settings["listeners"].split(",")
        if each.startswith("CABLE://")
    )
    member = members.member("executor", COUNTERMAND_KAFKA=cable)
    member.launcher = network.launcher
    member.launch()
    member.until_up()
    return member


@pytest.mark.parametrize("turn", range(count(small=1, full=3)))
def test_a_run_that_is_cut_off_ends_with_its_lease_and_is_called_lost_only_then(
    turn: int,
    members: Members,
    afar: Member,
    network: Network,
    broker: KafkaBroker,
    http: httpx.Client,
    tmp_path: Path,
) -> None:
    lock = tmp_path / "lock"
    asked = {
        "kind": "exclusive",
        "payload": {"lock": str(lock), "deaf": bool(turn % 2)},
        "max_attempts": 5,
    }
    task_id = http.post("/tasks", json=asked).json()["id"]
    until_running(http, task_id)
    until(lambda: held(lock))
    assert http.get(f"/tasks/{task_id}").json()["executor"] == afar.where
    lost = Loss(broker.bootstrap, members.history, task_id, lock)
    network.cut()
    try:
        cut_at = time.monotonic()
        until(lambda: not held(lock))
        lived = time.monotonic() - cut_at
        # Whoever is told that it is lost may begin again: nobody may hold the lock by then.
        assert lost.held_then() is False, "it was called lost while it still ran"
        assert lived < LEASE_SECONDS + KILL_SECONDS, "a run outlived its lease"
        [near] = members.start("executor")
        until(lambda: held(lock))
        assert http.get(f"/tasks/{task_id}").json()["attempt"] == 2
    finally:
        network.mend()
    # It comes back with nothing, and takes part again.
    assert not Path(f"{lock}.twice").exists()
    receipt = http.post(f"/tasks/{task_id}/cancel", json={"mode": "force"}, headers=WAIT).json()
    assert receipt["status"] == "cancelled"
    assert near.stop() == 0, near.said()[-3000:]
    again = http.post("/tasks", json={**asked, "payload": {"lock": f"{lock}.again"}}).json()["id"]
    until_running(http, again)
    assert http.get(f"/tasks/{again}").json()["executor"] == afar.where
    assert http.post(f"/tasks/{again}/cancel", headers=WAIT).json()["status"] == "cancelled"


class Loss:
    """Followed by a thread of its own, from what is on the log when this is made: whether a run
    holds the lock at the moment when it is called lost."""

    def __init__(self, bootstrap: str, history: Topic, task_id: str, lock: Path) -> None:
        self._bootstrap, self._history = bootstrap, history
        self._task_id, self._lock = task_id, lock
        self._follows = threading.Event()
        threads = ThreadPoolExecutor(1)
        self._held = threads.submit(lambda: asyncio.run(self._follow()))
        threads.shutdown(wait=False)
        assert self._follows.wait(COMES_SECONDS)

    def held_then(self) -> bool:
        """Waits until it is called lost."""
        return self._held.result(COMES_SECONDS)

    async def _follow(self) -> bool:
        log = await open_kafka_log(Connection(self._bootstrap), self._history, create=False)
        try:
            end = await log.end()
            self._follows.set()
            async with asyncio.timeout(COMES_SECONDS), aclosing(log.follow(end)) as following:
                async for records in following:
                    for record in records:
                        event = decoded(record).event
                        if event is None or event.subject != self._task_id:
                            continue
                        if isinstance(event.data, RunLost):
                            return held(self._lock)
        finally:
            await log.close()
        raise AssertionError("a follower ends only by returning or raising")
