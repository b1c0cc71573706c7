"""The settings of a Kafka node, as text: small, local, strict where production must be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Node:
    number: int
    client_port: int
    controller_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.client_port}"


def text(node: Node, voters: Sequence[Node], data: Path, overrides: Mapping[str, str]) -> str:
    """A properties file for this node of these."""
    settings = {
        **_addresses(node, voters),
        **_replication(len(voters)),
        **_patience(len(voters)),
        **_sizes(),
        "log.dirs": str(data),
        **overrides,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _addresses(node: Node, voters: Sequence[Node]) -> dict[str, str]:
    controller = f"CONTROLLER://127.0.0.1:{node.controller_port}"
    quorum = ",".join(f"{voter.number}@127.0.0.1:{voter.controller_port}" for voter in voters)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "listeners": f"PLAINTEXT://{node.address},{controller}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": quorum,
    }


def _replication(nodes: int) -> dict[str, str]:
    """Everything on up to three nodes; a write needs all of them but one."""
    factor = min(nodes, 3)
    in_sync = max(1, factor - 1)
    return {
        "default.replication.factor": str(factor),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(factor),
        "transaction.state.log.replication.factor": str(factor),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(factor),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        # A misspelt topic should be an error, not a topic.
        "auto.create.topics.enable": "false",
    }


def _patience(nodes: int) -> dict[str, str]:
    """How soon a node that was killed counts as gone, and may come back under its number."""
    if nodes > 1:
        return {"broker.session.timeout.ms": "5000", "broker.heartbeat.interval.ms": "500"}
    # Alone, it can only wait for itself: for the end of its own earlier session, and to be elected.
    return {
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "300",
        "controller.quorum.election.timeout.ms": "200",
        "controller.quorum.fetch.timeout.ms": "400",
    }


def _sizes() -> dict[str, str]:
    return {
        # 50 partitions each by default, which takes a single machine seconds to create.
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.num.partitions": "4",
        # A quarter of our heap by default.
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
        "group.initial.rebalance.delay.ms": "0",
    }
