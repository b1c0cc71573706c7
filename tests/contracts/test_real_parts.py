"""The real parts that other tests stand on do what they are started for."""

import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import URL, create_engine, text


@pytest.mark.kafka
async def test_a_record_comes_back_from_the_broker(kafka_broker: str) -> None:
    topic = f"smoke-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka_broker, acks="all") as producer:
        stored = await producer.send_and_wait(topic, b"kept", partition=1)

    async with AIOKafkaConsumer(bootstrap_servers=kafka_broker, group_id=None) as consumer:
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        consumer.seek(partition, stored.offset)
        record = await consumer.getone()

    assert (record.partition, record.offset, record.value) == (1, stored.offset, b"kept")


@pytest.mark.postgres
def test_a_row_comes_back_from_the_database(postgres_database: URL) -> None:
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (value text)"))
        connection.execute(text("INSERT INTO kept VALUES ('kept')"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT value FROM kept")) == "kept"
    engine.dispose()
