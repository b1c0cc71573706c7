"""The whole history on Kafka, judged again from its first entry on, when all is over."""

import asyncio

from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from services.ledger import Ledger
from services.voice import Voice
from services.world import real_world
from tests.rig import LogHistory, Onlooker


async def looked_at(bootstrap: str, topic: Topic, marker: str) -> Onlooker:
    """Who has seen every entry. `marker`: what the processes of the test have inherited."""
    log = await open_kafka_log(Connection(bootstrap), topic, create=False)
    onlooker = Onlooker(Voice(log, real_world(), source="/test", region="local"), marker)
    ledger = Ledger(log, LogHistory(log), [onlooker])
    end = await log.end()
    judging = asyncio.create_task(ledger.run())
    await onlooker.until(
        lambda: all(ledger.frontier.get(part, 0) >= offset for part, offset in end.items())
    )
    judging.cancel()
    await asyncio.wait({judging})
    await log.close()
    return onlooker
