"""Appending durably to the embedded log, beside plain SQLite with the same settings."""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import uvloop

from benchmarks.figures import Figure, Measurement, at_least, at_most, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.histories import messages
from events.log import Log, Message
from services.embedded_log import open_log

LONE_APPENDS = 200
CALLERS = 256
APPENDS_PER_CALLER = 40


def one_caller() -> Measurement:
    batch = list(messages(LONE_APPENDS))[:LONE_APPENDS]

    async def appended(log: Log) -> float:
        seconds = []
        for message in batch:
            began = time.perf_counter()
            await log.append([message])
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds) * 1000

    def inserted(table: "PlainTable") -> float:
        seconds = []
        for message in batch:
            began = time.perf_counter()
            table.insert([message])
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds) * 1000

    return beside_plain_sqlite(appended, inserted, "ms", rounds=15)


def many_callers() -> Measurement:
    total = CALLERS * APPENDS_PER_CALLER
    batch = list(messages(total // 5 + 1))[:total]

    async def appended(log: Log) -> float:
        async def caller(number: int) -> None:
            for message in batch[number::CALLERS]:
                await log.append([message])

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(caller(number))
        return total / (time.perf_counter() - began)

    def inserted(table: "PlainTable") -> float:
        began = time.perf_counter()
        for start in range(0, total, CALLERS):
            table.insert(batch[start : start + CALLERS])
        return total / (time.perf_counter() - began)

    return beside_plain_sqlite(appended, inserted, "events/s", rounds=9)


class PlainTable:
    """What the embedded log stores, stored by nobody but the standard library."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, "
            "topic TEXT, state BLOB, PRIMARY KEY (originator_id, originator_version))"
        )
        self._offsets = count()

    def insert(self, batch: Sequence[Message]) -> None:
        now_us = str(time.time_ns() // 1000)
        rows = [("history", next(self._offsets), now_us, message.value) for message in batch]
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


def beside_plain_sqlite(
    measure: Callable[[Log], Awaitable[float]],
    limit: Callable[[PlainTable], float],
    unit: str,
    rounds: int,
) -> Measurement:
    """In turns, in the event loop that the services run on."""
    with (
        folder_on_disk() as folder,
        closing(PlainTable(folder / "plain.db")) as table,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        log = runner.run(open_log(folder / "history.db", "history", lambda: time.time_ns() // 1000))

        async def measured() -> float:
            return await measure(log)

        try:
            return in_turns(lambda: runner.run(measured()), lambda: limit(table), unit, rounds)
        finally:
            runner.run(log.close())


FIGURES = [
    Figure(
        name="durable append, 1 caller: median latency",
        beside="one plain sqlite3 insert+commit, same settings",
        target=at_most(2.5),
        measure=one_caller,
    ),
    Figure(
        name="durable append, 256 concurrent callers: events/s",
        beside="plain sqlite3 executemany of the same rows in batches of 256",
        target=at_least(0.15),
        measure=many_callers,
    ),
]
