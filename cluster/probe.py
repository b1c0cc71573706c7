"""Asks a Kafka address what any client may ask: the only proof that a broker is ready."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

CONNECT_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 5.0

T = TypeVar("T")


def brokers_seen_at(address: str) -> set[int]:
    """The numbers of the nodes that take part, as that node knows them; none when it is silent."""
    host, port = address.rsplit(":", 1)
    try:
        # Quickly refused while nobody listens, where a client would log each attempt.
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT_SECONDS).close()
        return _ask(address, _brokers)
    except (OSError, KafkaError):
        return set()


def partitions_out_of_sync(bootstrap: str) -> list[str]:
    """Each as `topic/partition`; the reason instead, when nobody answers."""
    try:
        return _ask(bootstrap, _out_of_sync)
    except (OSError, KafkaError) as reason:
        return [f"no answer from {bootstrap}: {reason!r}"]


def leader_of(bootstrap: str, topic: str, partition: int) -> int:
    """The number of the node that takes its records now; -1 while there is none."""

    async def leader(admin: AIOKafkaAdminClient) -> int:
        [found] = await admin.describe_topics([topic])
        return next(
            int(each["leader"]) for each in found["partitions"] if each["partition"] == partition
        )

    return _ask(bootstrap, leader)


def coordinator_of(bootstrap: str, group: str) -> int:
    """The number of the node that keeps this consumer group."""

    async def coordinator(admin: AIOKafkaAdminClient) -> int:
        return int(await admin.find_coordinator(group))

    return _ask(bootstrap, coordinator)


def _ask(bootstrap: str, question: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
    async def ask() -> T:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=bootstrap, request_timeout_ms=int(ANSWER_TIMEOUT_SECONDS * 1000)
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                await admin.start()
                return await question(admin)
        finally:
            await admin.close()

    # In a thread of its own: the caller may be inside an event loop, where asyncio.run is refused.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(ask())).result()


async def _brokers(admin: AIOKafkaAdminClient) -> set[int]:
    cluster = await admin.describe_cluster()
    return {int(broker["node_id"]) for broker in cluster["brokers"]}


async def _out_of_sync(admin: AIOKafkaAdminClient) -> list[str]:
    return [
        f"{topic['topic']}/{partition['partition']}"
        for topic in await admin.describe_topics()
        for partition in topic["partitions"]
        if set(partition["isr"]) != set(partition["replicas"])
    ]
