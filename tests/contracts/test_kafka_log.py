import uuid

import pytest

from events.log import Log
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from tests.contracts.log_contract import LogContract, OpenLog


@pytest.mark.kafka
class TestKafkaLog(LogContract):
    @pytest.fixture
    def open_log(self, kafka_broker: str) -> OpenLog:
        topic = Topic(f"history-{uuid.uuid4().hex}", partitions=3)

        async def opened() -> Log:
            return await open_kafka_log(Connection(kafka_broker), topic)

        return opened
