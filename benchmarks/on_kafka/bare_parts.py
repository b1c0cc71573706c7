"""What a cancel can't do without, each on its own: a POST that produces, a trip, a commit."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.on_kafka.site import Site, plain
from benchmarks.plain_http import Connection
from benchmarks.servers import Server, listening
from services.kafka_log.clients import close_consumer, open_consumer, open_producer
from services.kafka_log.streams import connection_to, limits_of

TIMES = 60
VALUE = "x" * 600


@contextmanager
def bare_server(ours: Site) -> Iterator[Server]:
    with listening("benchmarks.on_kafka.bare_server", ours.kafka, ours.bare.name) as port:
        yield Server(port, "", ours.folder)


def post_ms(connection: Connection) -> float:
    def one() -> None:
        status, _ = connection.ask("POST", "/one", {"value": VALUE})
        assert status == 200

    return median_ms(one)


class Trips:
    """From a produce to whoever has this partition assigned."""

    def __init__(self, ours: Site) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._place = TopicPartition(ours.bare.name, 0)
        self._producer, self._consumer = self._runner.run(self._open(ours))

    async def _open(self, ours: Site) -> tuple[AIOKafkaProducer, AIOKafkaConsumer]:
        connection, limits = connection_to(ours.kafka, ours.broker), limits_of(ours.broker)
        consumer = await open_consumer(connection, limits)
        consumer.assign([self._place])
        await consumer.seek_to_end()
        return await open_producer(connection, limits), consumer

    def ms(self) -> float:
        return self._runner.run(self._median())

    async def _median(self) -> float:
        seconds = []
        for number in range(TIMES):
            await asyncio.sleep(0.005)
            value = f"{number} {VALUE}".encode()
            began = time.perf_counter()
            sent = await self._producer.send(self._place.topic, value, partition=0)
            while (await self._consumer.getone()).value != value:
                pass
            seconds.append(time.perf_counter() - began)
            await sent
        return statistics.median(seconds) * 1000

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._producer.stop()
        await close_consumer(self._consumer)


class Commits:
    """One row in one transaction."""

    def __init__(self, ours: Site) -> None:
        self._connection = psycopg.connect(plain(ours.database), autocommit=True)
        self._connection.execute("CREATE TABLE bare (id serial PRIMARY KEY, value text)")

    def ms(self) -> float:
        return median_ms(
            lambda: self._connection.execute("INSERT INTO bare (value) VALUES (%s)", (VALUE,))
        )

    def close(self) -> None:
        self._connection.close()


def median_ms(once: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        time.sleep(0.005)  # As idle as the service is between two cancels.
        began = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000
