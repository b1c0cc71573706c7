"""What the promises of the log need of Kafka's producer."""

from typing import Any

import pytest

from services.kafka_log import clients
from services.kafka_log.connection import Connection
from services.kafka_log.limits import Limits


async def test_a_producer_loses_doubles_and_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Producer:
        def __init__(self, **settings: Any) -> None:
            given.update(settings)

        async def start(self) -> None:
            return

    monkeypatch.setattr(clients, "AIOKafkaProducer", Producer)
    await clients.open_producer(Connection("127.0.0.1:1"), Limits())
    assert given["acks"] == "all"
    assert given["enable_idempotence"] is True
    assert given["linger_ms"] == 0
