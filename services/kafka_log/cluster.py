"""Which cluster a set of brokers is: a topic of the same name on another one is another topic."""

import asyncio

from aiokafka.errors import KafkaError

from events.errors import LogUnavailable
from services.kafka_log.clients import open_admin
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits


async def cluster_of(connection: Connection, limits: Limits) -> str | None:
    """The id that it was given when it was made; None of brokers that don't tell."""
    admin = await open_admin(connection, limits)
    try:
        async with asyncio.timeout(limits.patience_seconds):
            said = (await admin.describe_cluster()).get("cluster_id")
    except (TimeoutError, KafkaError) as reason:
        raise LogUnavailable(
            f"the brokers don't say which cluster they are: {reason!r}"
        ) from reason
    finally:
        await admin.close()
    return None if said is None else str(said)
