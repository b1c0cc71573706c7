"""What Faust does for the pulse, on a real broker."""

import asyncio
import uuid
from pathlib import Path

import pytest

from events.log import Message
from services.kafka_log.log import open_kafka_log
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.streams import connection_to, topics_of
from services.pulse_worker.app import PulseApp

pytestmark = pytest.mark.kafka

PAST = 50
PATIENCE_SECONDS = 60.0


async def test_a_worker_that_is_new_is_woken_by_nothing_of_the_past(
    kafka_broker: str, tmp_path: Path
) -> None:
    settings = BrokerSettings(topic_prefix=f"test-{uuid.uuid4().hex}", partitions=1)
    history, *_ = topics_of(settings)
    log = await open_kafka_log(connection_to(kafka_broker, settings), history)
    await log.append([Message("acme/t", b"said long ago")] * PAST)
    app = PulseApp(kafka_broker, settings, "worker", tmp_path)
    woken: list[int] = []
    woke = asyncio.Event()

    def grown(_partition: int, offset: int) -> None:
        woken.append(offset)
        woke.set()

    async def tick() -> None:
        if app.partitions:
            await log.append([Message("acme/t", b"said now")])

    app.on(grown, tick, 0.5)
    await app.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await woke.wait()
        assert min(woken) >= PAST
        assert not app.failed.done()
    finally:
        await app.stop()
        await log.close()
