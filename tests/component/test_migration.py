"""An embedded log moved to Kafka: every byte, in the order of each root, or a clear refusal."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from events.errors import LogInUse
from events.log import Message, Record
from events.positions import BEGINNING, after, reaches
from services.embedded_log import EmbeddedLog, open_log
from services.kafka_log.connection import Connection
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.settings import BrokerSettings
from services.kafka_log.streams import topics_of as topics_of_settings
from services.kafka_log.topic import Topic
from services.migration import NotEmpty, NotTheSame, as_message, migrate
from services.on_kafka.migrating import migrate_folder
from services.settings import Settings
from tests.read_side import digests_of, written
from tests.recorded import judged, records
from tests.rig import now_us

pytestmark = pytest.mark.kafka

ENTRIES = 400
PARTITIONS = 3


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[EmbeddedLog]:
    log = await open_log(tmp_path / "history.sqlite", "history", now_us)
    await log.append([as_message(record) for record in records(70, ENTRIES)])
    await log.append([Message("x", b"\xff no event")])
    yield log
    await log.close()


@pytest.fixture
async def target(kafka_broker: str) -> AsyncIterator[KafkaLog]:
    topic = Topic(f"history-{uuid.uuid4().hex}", PARTITIONS)
    log = await open_kafka_log(Connection(kafka_broker), topic)
    yield log
    await log.close()


async def everything(log: EmbeddedLog | KafkaLog) -> list[Record]:
    found: list[Record] = []
    reached, end = dict(BEGINNING), await log.end()
    while not reaches(reached, end):
        batch = await log.read(reached, 1_000)
        found += batch
        reached = after(reached, (record.position for record in batch))
    return found


async def test_read_models_of_either_log_are_equal(
    source: EmbeddedLog, target: KafkaLog, tmp_path: Path
) -> None:
    migrated = await migrate("history", source, target, PARTITIONS)
    assert migrated.records == ENTRIES + 1
    before, now = await everything(source), await everything(target)
    assert sorted(each.value for each in now) == sorted(each.value for each in before)
    assert len({each.position.partition for each in now}) == PARTITIONS
    written(tmp_path / "embedded", judged(before))
    written(tmp_path / "kafka", judged(now))
    assert digests_of(tmp_path / "kafka") == digests_of(tmp_path / "embedded")


async def test_nothing_is_copied_into_a_topic_that_holds_something(
    source: EmbeddedLog, target: KafkaLog
) -> None:
    await target.append([Message("a", b"there already")])
    with pytest.raises(NotEmpty, match="holds 1 records already"):
        await migrate("history", source, target, PARTITIONS)
    assert len(await everything(target)) == 1


async def test_what_somebody_else_writes_meanwhile_is_found_out(
    source: EmbeddedLog, target: KafkaLog
) -> None:
    class Disturbed:
        """The target, of a producer that stores every batch twice."""

        end, read, follow, close = target.end, target.read, target.follow, target.close

        async def append(self, messages: list[Message]) -> object:
            await target.append(messages)
            return await target.append(messages)

    with pytest.raises(NotTheSame):
        await migrate("history", source, Disturbed(), PARTITIONS)  # type: ignore[arg-type]


async def test_a_try_that_is_refused_as_the_log_is_in_use_makes_no_topic(
    source: EmbeddedLog, kafka_broker: str, tmp_path: Path
) -> None:
    prefix = f"refused-{uuid.uuid4().hex}"
    settings = Settings(
        kafka=kafka_broker, data=tmp_path, broker=BrokerSettings(topic_prefix=prefix)
    )
    with pytest.raises(LogInUse):
        await migrate_folder(settings, lambda _: None)
    assert await topics_of(kafka_broker, prefix) == []
    await source.close()
    await migrate_folder(settings, lambda _: None)
    assert f"{prefix}-history" in await topics_of(kafka_broker, prefix)


async def test_a_try_that_is_refused_as_one_topic_is_not_empty_fills_no_other(
    source: EmbeddedLog, kafka_broker: str, tmp_path: Path
) -> None:
    prefix = f"refused-{uuid.uuid4().hex}"
    broker = BrokerSettings(topic_prefix=prefix, partitions=PARTITIONS)
    await source.close()
    settings = Settings(kafka=kafka_broker, data=tmp_path, broker=broker)
    history, output, _ = topics_of_settings(broker)
    there = await open_kafka_log(Connection(kafka_broker), output)
    await there.append([Message("acme/t", b"somebody's")])
    await there.close()
    with pytest.raises(NotEmpty, match="output"):
        await migrate_folder(settings, lambda _: None)
    copied = await open_kafka_log(Connection(kafka_broker), history)
    assert sum((await copied.end()).values()) == 0
    await copied.close()


async def topics_of(broker: str, prefix: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    found = await admin.list_topics()
    await admin.close()
    return [name for name in found if name.startswith(prefix)]
