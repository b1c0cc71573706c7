"""Opens the read models of a folder and the projector that writes them, if they fit the log."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from events.log import LogReader, Record
from events.positions import Frontier, Position, after
from projections.checkpoint import Checkpoint, digest_of
from services.projecting.beside import END_SECONDS, ProjectorBeside
from services.projecting.lives import Life
from services.projector import Projector
from services.read_models.errors import CheckpointMismatch
from services.read_models.generations import FOLDER, Generations
from services.read_models.models import ReadModels
from services.read_models.writing import Writer

RECORDS_AT_ONCE = 10


class ReadSide(NamedTuple):
    """Who writes, and who is asked."""

    projector: Projector
    models: ReadModels

    async def close(self) -> None:
        """When the projector's `run` has ended, or was never begun."""
        self.projector.close()
        await self.models.close()


async def open_read_side(
    data: Path, log: LogReader, generations: Generations | None = None
) -> ReadSide:
    """The read models in use; empty ones, where there are none yet.

    Raises `CheckpointMismatch` when they don't belong to this log, `OtherLayout` when another
    release wrote them.
    """
    generations = generations or Generations(data / FOLDER)
    database = await asyncio.to_thread(generations.in_use)
    writer = await asyncio.to_thread(Writer, database)
    try:
        await check(log, writer.checkpoints())
    except BaseException:
        writer.close()
        raise
    models = ReadModels(database)
    await models.open()
    return ReadSide(Projector(generations, models, writer, linger_seconds=0), models)


async def open_models(
    data: Path, log: LogReader, begun: Life | None = None, end_seconds: float = END_SECONDS
) -> tuple[ProjectorBeside, ReadModels]:
    """The same, written by a process beside this one. `begun`: the first one, if there is one.
    `end_seconds`: within which one has to end with its service."""
    generations = Generations(data / FOLDER)
    models = ReadModels(await asyncio.to_thread(generations.in_use))
    try:
        await check(log, await models.checkpoints())
        await models.open()
    except BaseException:
        await models.close()
        raise
    beside = ProjectorBeside(data, generations, models, begun, end_seconds=end_seconds)
    return beside, models


async def check(log: LogReader, checkpoints: Mapping[int, Checkpoint]) -> None:
    """Whether the last record that was folded, of each partition, is still there and the same."""
    end = await log.end()
    for partition, (next_offset, digest, _) in checkpoints.items():
        if next_offset == 0:
            continue
        if next_offset > end.get(partition, 0):
            raise CheckpointMismatch(
                partition, next_offset, f"the log ends at {end.get(partition, 0)}"
            )
        record = await standing_at(log, Position(partition, next_offset - 1), end)
        if record is None:
            raise CheckpointMismatch(partition, next_offset, "the log has lost the record before")
        if digest_of(record.value) != digest:
            raise CheckpointMismatch(partition, next_offset, "the log has another record before")


async def standing_at(log: LogReader, position: Position, end: Frontier) -> Record | None:
    """What stands there, of a log that reached at least so far. Others may be writing: what they
    have stored in other partitions since then is perhaps read first."""
    start = {**end, position.partition: position.offset}
    while records := await log.read(start, RECORDS_AT_ONCE):
        for record in records:
            if record.position.partition == position.partition:
                return record if record.position == position else None
        start = after(start, [record.position for record in records])
    return None
