"""Read models in PostgreSQL: fed by a projector, made anew by a rebuild, beside plain COPY.

The rows that COPY takes are those that were made, into the same tables with the same indexes. What
is held in memory doesn't grow with them. A past of 100,000 events serves two figures.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

import psycopg
import uvloop

from benchmarks.figures import Figure, Measurement, at_least, at_most, compared
from benchmarks.histories import EVENTS_PER_TASK, messages
from benchmarks.on_kafka.site import Site, plain, services, site
from benchmarks.progress import counting, tell
from events.log import Message
from projections.tables import metadata
from services.kafka_log.log import open_kafka_log
from services.kafka_log.streams import connection_to, limits_of, topics_of

REBUILT_EVENTS = 1_000_000
FEWER_EVENTS = 100_000
APPENDED_AT_ONCE = 5_000
BLOCK_BYTES = 1_000_000
FLAT = 1.25
DEADLINE_SECONDS = 3600.0
FIRST, SECOND, COPIED = "read_models_0001", "read_models_0002", "copied"


class Took(NamedTuple):
    """What a rebuild took."""

    events_per_second: float
    copied_per_second: float
    peak_megabytes: float


class OfFew(NamedTuple):
    """What was measured on the smaller past."""

    projector: Measurement
    rebuild_megabytes: float


def projector() -> Measurement:
    return of_few().projector


@cache
def of_few() -> OfFew:
    with filled(FEWER_EVENTS) as ours:
        return OfFew(projected_beside_copy(ours), rebuild_in_a_process(ours)["peak_megabytes"])


def projected_beside_copy(ours: Site) -> Measurement:
    with psycopg.connect(plain(ours.database)) as database:
        with services(ours, "projector"):
            first = at = 0
            began = time.perf_counter()
            deadline = time.monotonic() + DEADLINE_SECONDS
            while at < FEWER_EVENTS:
                assert time.monotonic() < deadline, "the projector doesn't come to the end"
                at = projected(database)
                if at and not first:
                    first, began = at, time.perf_counter()
                time.sleep(0.01)
            seconds = time.perf_counter() - began
        copied = FEWER_EVENTS / copy_seconds(database, FIRST)
        return compared((FEWER_EVENTS - first) / seconds, copied, "events/s")


def projected(database: "psycopg.Connection[tuple[int]]") -> int:
    """How many entries are in the read models."""
    [found] = database.execute("SELECT to_regclass(%s)", (f"{FIRST}.checkpoints",))
    events = 0
    if found[0] is not None:
        [row] = database.execute(f"SELECT coalesce(sum(next_offset), 0) FROM {FIRST}.checkpoints")
        events = int(row[0])
    database.rollback()
    return events


def rebuild() -> Measurement:
    took = rebuilt(REBUILT_EVENTS)
    return compared(took.events_per_second, took.copied_per_second, "events/s")


def rebuild_flat() -> Measurement:
    many = rebuilt(REBUILT_EVENTS)
    return compared(many.peak_megabytes, of_few().rebuild_megabytes, "MB")


@cache
def rebuilt(events: int) -> Took:
    with filled(events) as ours, psycopg.connect(plain(ours.database)) as database:
        took = rebuild_in_a_process(ours)
        assert took["events"] == events
        tell("COPY of the same rows")
        copied = events / copy_seconds(database, SECOND)
        return Took(events / took["seconds"], copied, took["peak_megabytes"])


# ------------------------------------------------------------------------------------- the parts


@contextmanager
def filled(events: int) -> Iterator[Site]:
    """Topics with a past of so many events, which nobody has looked at."""
    with site() as ours, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(fill(ours, messages(events // EVENTS_PER_TASK)))
        yield ours


async def fill(ours: Site, past: Iterator[Message]) -> None:
    history, *_ = topics_of(ours.broker)
    connection = connection_to(ours.kafka, ours.broker)
    log = await open_kafka_log(connection, history, limits_of(ours.broker))
    appended = counting("events appended")
    while batch := list(islice(past, APPENDED_AT_ONCE)):
        await log.append(batch)
        appended(len(batch))
    await log.close()


def rebuild_in_a_process(ours: Site) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.on_kafka.timed_rebuild"]
    done = subprocess.run(
        command, env={**os.environ, **ours.environment}, stdout=subprocess.PIPE, check=True
    )
    took: dict[str, float] = json.loads(done.stdout)
    return took


def copy_seconds(database: "psycopg.Connection[tuple[int]]", schema: str) -> float:
    """To put the same rows into the same tables; they were just written to a file, which the
    system still has in memory."""
    database.execute(f"CREATE SCHEMA {COPIED}")
    tables = [table.name for table in metadata.sorted_tables]
    for table in tables:
        database.execute(f"CREATE TABLE {COPIED}.{table} (LIKE {schema}.{table} INCLUDING ALL)")
    database.commit()
    seconds = 0.0
    for table in tables:
        with TemporaryFile(dir="build") as rows:
            copy_out(database, f"{schema}.{table}", rows)
            began = time.perf_counter()
            into = f"COPY {COPIED}.{table} FROM STDIN (FORMAT binary)"
            with database.cursor().copy(into) as copy:
                while block := rows.read(BLOCK_BYTES):
                    copy.write(block)
            database.commit()
            seconds += time.perf_counter() - began
    return seconds


def copy_out(database: "psycopg.Connection[tuple[int]]", table: str, rows: BinaryIO) -> None:
    with database.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
        rows.writelines(copy)
    rows.seek(0)


FIGURES = [
    Figure(
        "kafka: projector into PostgreSQL",
        "COPY of the same rows into the same tables",
        at_least(0.15),
        projector,
    ),
    Figure(
        "kafka: rebuild of 1,000,000 events into PostgreSQL",
        "COPY of the same rows into the same tables",
        at_least(0.15),
        rebuild,
    ),
    Figure(
        "kafka: peak memory of that rebuild: flat",
        "the same from 100,000 events",
        at_most(FLAT),
        rebuild_flat,
    ),
]
