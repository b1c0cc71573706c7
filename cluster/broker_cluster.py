"""Several Kafka nodes on this machine that form one cluster.

With three nodes everything is kept three times and a write needs two of them, as in production:
any one of them may be killed, and nothing acknowledged is lost.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster import probe
from cluster.broker import START_TIMEOUT_SECONDS, KafkaBroker, new_cluster_id
from cluster.broker_properties import Node
from cluster.ports import free_ports
from cluster.process import LOOK_AGAIN_SECONDS, ServerFailed

IN_SYNC_TIMEOUT_SECONDS = 60.0


class KafkaCluster:
    """`brokers` are its nodes, each with the verbs of a broker: `cluster.brokers[0].kill()`."""

    def __init__(self, folder: Path, nodes: int = 3, *, for_long: bool = True) -> None:
        ports = free_ports(2 * nodes)
        voters = [Node(n + 1, ports[2 * n], ports[2 * n + 1]) for n in range(nodes)]
        cluster_id = new_cluster_id()
        self.brokers = [
            KafkaBroker(
                folder / f"node-{node.number}",
                node=node,
                voters=voters,
                cluster_id=cluster_id,
                for_long=for_long,
            )
            for node in voters
        ]

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Return when each node knows of all the others."""
        deadline = time.monotonic() + timeout_seconds
        for broker in self.brokers:
            broker.launch()
        numbers = {broker.node.number for broker in self.brokers}
        for broker in self.brokers:
            broker.wait_until_ready(numbers, deadline - time.monotonic())

    def stop(self) -> None:
        """All at once: the last one would find nobody to hand over to, and wait in vain."""
        with ThreadPoolExecutor(max_workers=len(self.brokers)) as threads:
            for stopped in [threads.submit(broker.stop) for broker in self.brokers]:
                stopped.result()

    def raise_if_ended(self) -> None:
        """Raise ServerFailed, with the end of its log, when a node ended by itself."""
        for broker in self.brokers:
            broker.raise_if_ended()

    def broker(self, number: int) -> KafkaBroker:
        return next(broker for broker in self.brokers if broker.node.number == number)

    def wait_until_in_sync(self, timeout_seconds: float = IN_SYNC_TIMEOUT_SECONDS) -> None:
        """Return when all replicas of all partitions are: only then may the next node be killed."""
        deadline = time.monotonic() + timeout_seconds
        while lagging := probe.partitions_out_of_sync(self.bootstrap):
            if time.monotonic() > deadline:
                raise ServerFailed(f"not in sync after {timeout_seconds:g} s: {', '.join(lagging)}")
            time.sleep(LOOK_AGAIN_SECONDS)
