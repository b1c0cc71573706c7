import asyncio
import uuid
from contextlib import aclosing

import pytest

from events.log import Log, Message
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.contracts.log_contract import LogContract, OpenLog

PATIENCE_SECONDS = 30.0


@pytest.mark.kafka
class TestKafkaLog(LogContract):
    @pytest.fixture
    def open_log(self, kafka_broker: str) -> OpenLog:
        topic = Topic(f"history-{uuid.uuid4().hex}", partitions=3)

        async def opened() -> Log:
            return await open_kafka_log(Connection(kafka_broker), topic)

        return opened


@pytest.mark.kafka
async def test_who_lingers_gets_together_what_comes_meanwhile(kafka_broker: str) -> None:
    topic = Topic(f"history-{uuid.uuid4().hex}", partitions=1)
    log = await open_kafka_log(Connection(kafka_broker), topic)
    lingering, long_enough = asyncio.Event(), asyncio.Event()

    async def linger() -> None:
        lingering.set()
        await long_enough.wait()

    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        aclosing(log.follow({}, linger=linger)) as batches,
    ):
        await log.append([Message("k", b"0")])
        first = asyncio.ensure_future(anext(batches))
        await lingering.wait()
        for value in (b"1", b"2", b"3"):
            await log.append([Message("k", value)])
        assert not first.done()
        long_enough.set()
        assert [record.value for record in await first] == [b"0"]
        assert [record.value for record in await anext(batches)] == [b"1", b"2", b"3"]
    await log.close()


@pytest.mark.kafka
async def test_what_comes_while_a_follower_works_comes_together(kafka_broker: str) -> None:
    topic = Topic(f"history-{uuid.uuid4().hex}", partitions=1)
    log = await open_kafka_log(Connection(kafka_broker), topic)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(log.follow({})) as batches:
        await log.append([Message("k", b"0")])
        assert [record.value for record in await anext(batches)] == [b"0"]
        for value in (b"1", b"2", b"3"):
            await log.append([Message("k", value)])
            await asyncio.sleep(0.1)  # So long a broker that was asked already needs at most.
        assert [record.value for record in await anext(batches)] == [b"1", b"2", b"3"]
    await log.close()
