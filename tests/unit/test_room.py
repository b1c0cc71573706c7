import asyncio
from collections.abc import AsyncIterator

import pytest

from services.embedded_log.room import Room
from services.patience import Patience


class TooLong(Exception):
    pass


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    patience = Patience(30, TooLong)
    yield patience
    patience.stop()


async def begun(room: Room, *sizes: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(room.enter(size, 0)) for size in sizes]
    await asyncio.sleep(0)
    return tasks


async def settled(tasks: list[asyncio.Task[None]]) -> list[bool]:
    await asyncio.sleep(0)
    return [task.done() for task in tasks]


async def test_nobody_overtakes_who_waits_for_more_room(patience: Patience) -> None:
    room = Room(10, 0, patience)
    await room.enter(8, 0)
    tasks = await begun(room, 5, 1)
    assert await settled(tasks) == [False, False]

    room.leave(8, 0)

    assert await settled(tasks) == [True, True]


async def test_who_is_larger_than_the_room_enters_when_it_is_empty(patience: Patience) -> None:
    room = Room(10, 0, patience)
    await room.enter(1, 0)
    tasks = await begun(room, 50, 1)
    room.leave(1, 0)
    assert await settled(tasks) == [True, False]

    room.leave(50, 0)

    assert await settled(tasks) == [True, True]


async def test_who_gives_up_makes_way_for_those_behind(patience: Patience) -> None:
    room = Room(10, 0, patience)
    await room.enter(8, 0)
    large, small = await begun(room, 5, 2)

    large.cancel()
    await asyncio.sleep(0)

    assert await settled([small]) == [True]
    assert large.cancelled()


async def test_who_is_admitted_and_cancelled_at_once_leaves_its_room(patience: Patience) -> None:
    room = Room(10, 0, patience)
    await room.enter(10, 0)
    first, second = await begun(room, 10, 10)

    room.leave(10, 0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert await settled([second]) == [True]


async def test_a_room_is_empty_only_when_nobody_waits_for_it(patience: Patience) -> None:
    room = Room(10, 0, patience)
    await room.enter(10, 0)
    [waiting] = await begun(room, 10)
    empty = asyncio.create_task(room.empty())

    room.leave(10, 0)
    assert await settled([waiting, empty]) == [True, False]
    room.leave(10, 0)
    async with asyncio.timeout(60):
        await empty


async def test_bytes_count_too(patience: Patience) -> None:
    room = Room(10, 100, patience)
    await room.enter(1, 60)
    late = asyncio.create_task(room.enter(1, 60))
    await asyncio.sleep(0)
    assert await settled([late]) == [False]

    room.leave(1, 60)

    assert await settled([late]) == [True]


async def test_patience_ends_for_each_in_turn() -> None:
    loop = asyncio.get_running_loop()
    patience = Patience(0.01, TooLong)
    first, done, last = (loop.create_future() for _ in range(3))
    for future in (first, done, last):
        patience.watch(future)
    done.set_result("in time")

    async with asyncio.timeout(60):
        for future in (first, last):
            with pytest.raises(TooLong):
                await future
    assert await done == "in time"
    patience.stop()
