"""Read models of a long past: made anew, asked about any point of it, and started from."""

import asyncio
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

import uvloop

from benchmarks.figures import Figure, Measurement, at_least, at_most, compared, in_turns
from benchmarks.folder import folder_on_disk
from benchmarks.histories import ALIVE_AT_ONCE, EVENTS_PER_TASK, ORGANIZATION
from benchmarks.past import a_finished_past, a_past
from events.positions import Position
from projections import tables
from projections.place import place
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels

EVENTS = 1_000_000
FEWER_EVENTS = 100_000
MEGABYTES_LIMIT = 300.0
FLAT = 1.25
"""Nothing grows: what differs is how full the caches of a fixed size are."""
FINISHED_TASKS = 1_000_000
LIVE_TASKS = 1_000
QUESTIONS = 300
ROWS_AT_ONCE = 10_000


# ------------------------------------------------------------------------------------ rebuild


def rebuild() -> Measurement:
    """Everything a rebuild makes, beside one of its tables alone."""
    past = a_past(events=EVENTS)
    return compared(past.events / past.seconds, EVENTS / plain_insert_seconds(), "events/s")


def plain_insert_seconds() -> float:
    """The rows are in the machine's memory before the clock runs."""
    with folder_on_disk() as folder, closing(read_only(generation_of(EVENTS))) as source:
        create, *indexes = [
            sql
            for (sql,) in source.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = 'history' AND sql IS NOT NULL "
                "ORDER BY type DESC"
            )
        ]
        target = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-64000"):
            target.execute(f"PRAGMA {pragma}")
        target.execute(create)
        places = ",".join("?" * len(tables.history.columns))
        seconds = 0.0
        rows = source.execute("SELECT * FROM history ORDER BY place")
        while batch := rows.fetchmany(ROWS_AT_ONCE):
            began = time.perf_counter()
            target.execute("BEGIN")
            target.executemany(f"INSERT INTO history VALUES ({places})", batch)
            target.execute("COMMIT")
            seconds += time.perf_counter() - began
        began = time.perf_counter()
        for index in indexes:
            target.execute(index)
        seconds += time.perf_counter() - began
        target.close()
        return seconds


def rebuild_peak() -> Measurement:
    return compared(a_past(events=EVENTS).peak_megabytes, MEGABYTES_LIMIT, "MB")


def rebuild_flat() -> Measurement:
    many, few = a_past(events=EVENTS), a_past(events=FEWER_EVENTS)
    return compared(many.peak_megabytes, few.peak_megabytes, "MB")


# -------------------------------------------------------------------------------- time travel


def as_of() -> Measurement:
    """A task somewhere in its life, in the middle of everything that came before and after it."""
    questions = some_points(Random(7), QUESTIONS)
    database = Generations(a_past(events=EVENTS).data / FOLDER).in_use()
    models = ReadModels(database)

    async def asked() -> float:
        view = models.of(ORGANIZATION)
        seconds = []
        for task, position in questions:
            began = time.perf_counter()
            found = await view.task(task, as_of=position)
            seconds.append(time.perf_counter() - began)
            assert found is not None
            assert found.position == position
        return statistics.median(seconds) * 1e6

    def selected() -> float:
        seconds = []
        for task, position in questions:
            began = time.perf_counter()
            rows = plain.execute(
                "SELECT * FROM history WHERE organization = ? AND subject = ? AND place <= ? "
                "ORDER BY place",
                (ORGANIZATION, task, place(position)),
            ).fetchall()
            seconds.append(time.perf_counter() - began)
            assert rows
        return statistics.median(seconds) * 1e6

    with (
        closing(read_only(generation_of(EVENTS))) as plain,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            return in_turns(lambda: runner.run(asked()), selected, "us", rounds=9)
        finally:
            runner.run(models.close())


def some_points(random: Random, count: int) -> list[tuple[str, Position]]:
    """Tasks, and where one of their events stands, as `messages` puts them."""
    points = []
    for _ in range(count):
        block = random.randrange(EVENTS // EVENTS_PER_TASK // ALIVE_AT_ONCE)
        number, step = random.randrange(ALIVE_AT_ONCE), random.randrange(EVENTS_PER_TASK)
        offset = (block * EVENTS_PER_TASK + step) * ALIVE_AT_ONCE + number
        points.append((f"task-{block * ALIVE_AT_ONCE + number:010d}", Position(0, offset)))
    return points


# -------------------------------------------------------------------------------------- start


def start() -> Measurement:
    long = a_finished_past(finished=FINISHED_TASKS, live=LIVE_TASKS)
    empty = a_past(live=LIVE_TASKS).data
    return in_turns(lambda: start_seconds(long), lambda: start_seconds(empty), "s", rounds=7)


def start_seconds(data: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.timed_start", str(data)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def generation_of(events: int) -> Path:
    generations = Generations(a_past(events=events).data / FOLDER)
    return generations.path(generations.live())


def read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


FIGURES = [
    Figure(
        name="rebuild of all read models from 1,000,000 events: events/s",
        beside="sqlite3 executemany of the same history rows, indexes built at the end",
        target=at_least(0.2),
        measure=rebuild,
    ),
    Figure(
        name="peak memory of that rebuild",
        beside="300 MB",
        target=at_most(1.0),
        measure=rebuild_peak,
    ),
    Figure(
        name="peak memory of that rebuild: flat",
        beside="the same from 100,000 events",
        target=at_most(FLAT),
        measure=rebuild_flat,
    ),
    Figure(
        name="state of one task as of a position, log of 1,000,000",
        beside="one indexed sqlite3 select of the same rows",
        target=at_most(5),
        measure=as_of,
    ),
    Figure(
        name="start on 1,000,000 finished and 1,000 live tasks",
        beside="the same with an empty past",
        target=at_most(1.5),
        measure=start,
    ),
]
