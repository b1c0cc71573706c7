"""What a listener hasn't taken in yet: in order, in small steps, no more than fits."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from projections.entry import Entry
from services.backlog import ENTRIES_LIMIT, STEPS_AT_ONCE, Backlog
from tests.recorded import judged, records

[ONE, OTHER] = judged(records(1, 2))
PATIENCE_SECONDS = 60


@asynccontextmanager
async def working(take: Callable[[Entry], Iterator[None]]) -> AsyncIterator[Backlog]:
    backlog = Backlog(take)
    running = asyncio.ensure_future(backlog.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        yield backlog
    running.cancel()
    await asyncio.wait({running})


class Taken:
    """What was taken in, and whether that was all."""

    def __init__(self, expected: int) -> None:
        self.entries: list[Entry] = []
        self.all = asyncio.Event()
        self._expected = expected

    def take(self, entry: Entry) -> Iterator[None]:
        self.entries.append(entry)
        if len(self.entries) == self._expected:
            self.all.set()
        yield


async def test_entries_are_taken_in_the_order_in_which_they_came() -> None:
    taken = Taken(3)
    async with working(taken.take) as backlog:
        backlog.entered([ONE, OTHER])
        backlog.entered([ONE])
        await taken.all.wait()
    assert taken.entries == [ONE, OTHER, ONE]


async def test_whoever_waits_for_what_was_told_goes_first() -> None:
    taken = Taken(2)
    async with working(taken.take) as backlog:
        await asyncio.sleep(0)
        backlog.entered([ONE])
        for _ in range(10):  # Callers hear of it, and their answers are written.
            await asyncio.sleep(0)
        assert taken.entries == []
        backlog.entered([OTHER])
        await taken.all.wait()
    assert taken.entries == [ONE, OTHER]


async def test_others_have_their_turn_while_one_entry_takes_many_steps() -> None:
    steps = 0
    begun = asyncio.Event()

    def take(entry: Entry) -> Iterator[None]:
        nonlocal steps
        begun.set()
        for _ in range(100 * STEPS_AT_ONCE):
            steps += 1
            yield

    async with working(take) as backlog:
        backlog.entered([ONE])
        await begun.wait()
        assert steps <= STEPS_AT_ONCE


async def test_there_is_no_room_until_less_is_waiting_than_fits() -> None:
    taken = 0

    def take(entry: Entry) -> Iterator[None]:
        nonlocal taken
        taken += 1
        yield

    async with working(take) as backlog:
        await backlog.room()
        backlog.entered([ONE] * (ENTRIES_LIMIT + 50))
        await backlog.room()
        assert taken >= 50
