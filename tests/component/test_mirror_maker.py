"""The real MirrorMaker 2 between two real clusters: what it copies is read, and what it says twice
is noticed."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from structlog.testing import capture_logs

from cluster.broker import KafkaBroker
from cluster.jars import MIRROR_MAKER, kafka_jars
from cluster.mirror_maker import MirrorMaker
from cluster.system import Unavailable
from events.log import message
from events.positions import Frontier
from events.words import Status, Verdict
from services.regions.chained import Gap
from tests.builders import nothing_yet
from tests.far_reading import reading
from tests.mirrored import PARTITIONS, Source

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.prove,
    pytest.mark.long,
    pytest.mark.timeout(240),
]

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.2


@pytest.fixture
def mirror(kafka_broker: str, broker: KafkaBroker, tmp_path: Path) -> Iterator[MirrorMaker]:
    """From the brokers of everybody to one of our own."""
    try:
        kafka_jars(MIRROR_MAKER)
    except Unavailable as reason:
        pytest.skip(str(reason))
    source = Source(kafka_broker)
    mirror = MirrorMaker(tmp_path / "mirror", kafka_broker, broker.bootstrap, source.topic)
    try:
        yield mirror
    finally:
        mirror.kill()


async def copied(mirror: MirrorMaker, topic: str, records: int) -> Frontier:
    """How far the copy reaches, once it has so many. Nobody tells when that is."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=mirror.b, request_timeout_ms=5_000)
    await consumer.start()
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            mirror.raise_if_ended()
            try:
                ends = await consumer.end_offsets(places)
            except KafkaError:
                ends = {}
            if sum(ends.values()) >= records:
                return {place.partition: end for place, end in ends.items()}
            assert time.monotonic() < until, mirror.log.read_text()[-4000:]
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await consumer.stop()


async def delete_before(broker: str, topic: str, end: Frontier) -> None:
    """As retention does it, where somebody has set one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        places = {TopicPartition(topic, p): RecordsToDelete(o) for p, o in end.items()}
        await admin.delete_records(places)
    finally:
        await admin.close()


@pytest.mark.parametrize("another_writer", [False, True])
async def test_what_was_deleted_before_it_was_copied_is_noticed(
    mirror: MirrorMaker, tmp_path: Path, another_writer: bool
) -> None:
    source = Source(mirror.a)
    source.prefix = mirror.topic.removesuffix("-history")
    source.topic, source.copy = mirror.topic, f"a.{mirror.topic}"
    first, lost, last = nothing_yet("stops").submitted(kind="k").started().cancel_requested().events
    async with source.opened() as log:
        await log.append([message(first)])
        mirror.start()
        copied_end = await copied(mirror, source.copy, 1)
        async with reading(source, tmp_path, source.copy, near=mirror.b) as b:
            await b.until(copied_end)
        mirror.stop()
        await log.append([message(lost)])
        end = await log.end()
        if not another_writer:
            await log.append([message(last)])
    if another_writer:
        async with source.opened() as log:
            await log.append([message(last)])
    await delete_before(mirror.a, source.topic, end)
    mirror.start()

    await copied(mirror, source.copy, 2)
    async with reading(source, tmp_path, source.copy, near=mirror.b) as b:
        with pytest.raises(Gap, match=lost.id.hex):
            await b.until(await b.far.end())


async def test_what_it_copies_is_read_and_what_it_copies_twice_changes_nothing(
    mirror: MirrorMaker, tmp_path: Path
) -> None:
    source = Source(mirror.a)
    source.prefix = mirror.topic.removesuffix("-history")
    source.topic, source.copy = mirror.topic, f"a.{mirror.topic}"
    cancelled = nothing_yet("stops").submitted(kind="k").cancel_requested().events
    async with source.opened() as log:
        for event in cancelled:
            await log.append([message(event)])
        mirror.start()
        end = await copied(mirror, source.copy, len(cancelled))
        async with reading(source, tmp_path, source.copy, near=mirror.b) as b:
            await b.until(end)
            assert (await b.of("stops")).root.tasks["stops"].status is Status.CANCELLED

        # Killed before it has noted how far it came, it copies all of that again.
        mirror.kill()
        mirror.start()
        end = await copied(mirror, source.copy, 2 * len(cancelled))
        async with reading(source, tmp_path, source.copy, near=mirror.b) as b:
            await b.until(end)
            said = [each.outcome.verdict for each in (await b.of("stops")).entries]
            assert said == [Verdict.EFFECTIVE] * 2 + [Verdict.VOID] * 2
        (tmp_path / "anew").mkdir()
        async with reading(source, tmp_path / "anew", source.copy, near=mirror.b) as b:
            with capture_logs() as logged:
                await b.until(end)
            assert ("a copy says things twice", 2) in [
                (x["event"], x.get("events")) for x in logged
            ]
            assert (await b.of("stops")).root.tasks["stops"].status is Status.CANCELLED
