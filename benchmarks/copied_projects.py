"""The read models of very many alike projects, in a fraction of what a rebuild takes.

The fold judges one of the projects that `finished` tells; the others are its rows with other
numbers, copied within SQLite. What follows them in the log is built as a rebuild builds it. A test
compares all of it with a rebuild of the same log.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, LargeBinary, String, Table

from benchmarks.finished import EVENTS_PER_PROJECT, TASKS_PER_PROJECT, finished_in_projects
from benchmarks.written_log import EACH_US, FIRST_APPENDED_US, RECORDS_AT_ONCE
from events.log import Record
from events.positions import Position
from projections import tables
from projections.batch import folded
from projections.checkpoint import Checkpoint, digest_of
from projections.entry import decoded
from projections.memory import Memory
from services.embedded_log import open_log_reader
from services.read_models.database import Database
from services.read_models.generations import FOLDER, Generations
from services.read_models.writing import Writer
from services.rebuild.builder import Builder

PATTERN = 7_777_777
"""The number of the project that is folded. Its seven digits are in nothing else that it says."""
PLACES = {"place", "submitted", "changed", "created", "first"}
APPEND_TIMES = {"appended_us", "latest_us"}
COPIED = (
    tables.history,
    tables.history_below,
    tables.changes_below,
    tables.task_status,
    tables.projects,
    tables.project_changes,
    tables.cancellations,
    tables.roots,
)


def make_read_models(data: Path, projects: int) -> None:
    """Of the log in this folder, which begins with so many projects."""
    generations = Generations(data / FOLDER)
    generations.folder.mkdir(parents=True)
    fold_one(generations.begin(2))
    database = generations.begin(1)
    reached = copied(generations.path(1), generations.path(2), projects)
    generations.remove(2)
    asyncio.run(complete(database, data, reached))


def fold_one(into: Database) -> None:
    memory = Memory()
    batch = [
        decoded(Record(Position(0, offset), message.value, 0))
        for offset, message in enumerate(finished_in_projects(TASKS_PER_PROJECT, first=PATTERN))
    ]
    for key in memory.missing(batch):
        memory.recall(key)
    writer = Writer(into)
    writer.write(folded({}, [memory.enter(one) for one in batch]), {})
    writer.close()


def copied(into: Path, pattern: Path, projects: int) -> dict[int, Checkpoint]:
    """How far the read models have come with the copies."""
    with closing(sqlite3.connect(into, isolation_level=None)) as database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-64000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("ATTACH ? AS pattern", (str(pattern),))
        database.execute("BEGIN")
        statements = [copying(table) for table in COPIED]
        for number in range(projects):
            differing = {"digits": f"{number:07d}", "before": number * EVENTS_PER_PROJECT}
            for statement in statements:
                database.execute(statement, differing)
        value, latest_us = database.execute(
            "SELECT value, latest_us FROM history ORDER BY place DESC LIMIT 1"
        ).fetchone()
        reached = Checkpoint(projects * EVENTS_PER_PROJECT, digest_of(value), latest_us)
        database.execute("INSERT INTO checkpoints VALUES (0, ?, ?, ?)", reached)
        database.execute("COMMIT")
    return {0: reached}


def copying(table: Table) -> str:
    cells = ", ".join(copied_cell(column) for column in table.columns)
    keys = ", ".join(column.name for column in table.primary_key)
    return f"INSERT INTO {table.name} SELECT {cells} FROM pattern.{table.name} ORDER BY {keys}"


def copied_cell(column: "Column[object]") -> str:
    """Of a copy behind so many records, whose number has these digits."""
    name = column.name
    if name in PLACES:
        return f"{name} + :before"
    if name in APPEND_TIMES:
        first_of_commit = f"(place + :before) / {RECORDS_AT_ONCE} * {RECORDS_AT_ONCE}"
        return f"{FIRST_APPENDED_US} + {EACH_US} * ({first_of_commit})"
    if isinstance(column.type, LargeBinary):
        return f"CAST(replace(CAST({name} AS TEXT), '{PATTERN}', :digits) AS BLOB)"
    if isinstance(column.type, String):
        return f"replace({name}, '{PATTERN}', :digits)"
    return name


async def complete(database: Database, data: Path, reached: dict[int, Checkpoint]) -> None:
    """Take in what follows, and make the indexes."""
    log = await open_log_reader(data / "history.sqlite", "history")
    builder = Builder(database, log, lambda _: None)
    builder.checkpoints = reached
    await builder.build(await log.end())
    await builder.index()
    await builder.close()
    await log.close()
