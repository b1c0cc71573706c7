"""Appending durably to the log on Kafka, beside the bare client with the same settings."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.figures import Figure, Measurement, at_least, in_turns
from benchmarks.histories import messages
from benchmarks.on_kafka.site import Site, site
from events.log import Message
from services.kafka_log.clients import open_producer
from services.kafka_log.log import KafkaLog, open_kafka_log
from services.kafka_log.streams import connection_to, limits_of, topics_of

CALLERS = 256
APPENDS_PER_CALLER = 40


def many_callers() -> Measurement:
    total = CALLERS * APPENDS_PER_CALLER
    batch = list(messages(total // 5 + 1))[:total]

    async def per_second(append: Callable[[Message], Awaitable[object]]) -> float:
        async def caller(number: int) -> None:
            for message in batch[number::CALLERS]:
                await append(message)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(caller(number))
        return total / (time.perf_counter() - began)

    with site() as ours, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        topic = topics_of(ours.broker)[0].name
        log, producer = runner.run(opened(ours))

        async def sent(message: Message) -> None:
            headers = [(name, text.encode()) for name, text in message.headers.items()]
            key = message.key.encode()
            await producer.send_and_wait(topic, message.value, key=key, headers=headers)

        try:
            return in_turns(
                lambda: runner.run(per_second(lambda message: log.append([message]))),
                lambda: runner.run(per_second(sent)),
                "events/s",
                rounds=9,
            )
        finally:
            runner.run(closed(log, producer))


async def opened(ours: Site) -> tuple[KafkaLog, AIOKafkaProducer]:
    connection, limits = connection_to(ours.kafka, ours.broker), limits_of(ours.broker)
    log = await open_kafka_log(connection, topics_of(ours.broker)[0], limits)
    return log, await open_producer(connection, limits)


async def closed(log: KafkaLog, producer: AIOKafkaProducer) -> None:
    await producer.stop()
    await log.close()


FIGURES = [
    Figure(
        "kafka: durable append, 256 callers",
        "the bare client's producer, same settings and sizes",
        at_least(0.6),
        many_callers,
    )
]
