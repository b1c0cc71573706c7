"""Whether read models belong to a log that others are writing meanwhile."""

from collections.abc import Sequence

import pytest

from events.log import Record
from events.positions import Frontier, Position
from projections.checkpoint import Checkpoint, digest_of
from services.read_models.errors import CheckpointMismatch
from services.read_side import check


class Busy:
    """Of two partitions. In the other one somebody appends behind every answer, and what is new
    there is read first."""

    def __init__(self, mine: int, elsewhere: int) -> None:
        self._mine, self._elsewhere, self._told = mine, elsewhere, 0

    async def end(self) -> Frontier:
        return {0: self._told, 1: self._mine}

    async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
        first = start.get(0, 0)
        if first < self._elsewhere:
            self._told = first + 1
            return [Record(Position(0, first), b"elsewhere", 1)]
        return [
            Record(Position(1, offset), b"%d" % offset, 1)
            for offset in range(start.get(1, 0), self._mine)
        ][:limit]

    async def close(self) -> None:
        """Nothing is open."""


def checkpoint_at(offset: int, value: bytes) -> dict[int, Checkpoint]:
    return {1: Checkpoint(offset + 1, digest_of(value), 1)}


async def test_the_last_record_is_found_while_others_write_elsewhere() -> None:
    await check(Busy(mine=8, elsewhere=5), checkpoint_at(6, b"6"))


async def test_another_record_there_is_noticed_while_others_write_elsewhere() -> None:
    with pytest.raises(CheckpointMismatch, match="another record"):
        await check(Busy(mine=8, elsewhere=5), checkpoint_at(6, b"five"))


async def test_a_lost_record_is_noticed_while_others_write_elsewhere() -> None:
    class Without(Busy):
        async def read(self, start: Frontier, limit: int) -> Sequence[Record]:
            found = await super().read(start, limit)
            return [record for record in found if record.position != (1, 6)]

    with pytest.raises(CheckpointMismatch, match="lost the record"):
        await check(Without(mine=8, elsewhere=5), checkpoint_at(6, b"6"))
