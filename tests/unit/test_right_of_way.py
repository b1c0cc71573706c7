"""Who goes first, and for how long at most."""

import asyncio
from time import monotonic

import pytest

from services.right_of_way import RightOfWay

PATIENCE_SECONDS = 20


@pytest.fixture
def way() -> RightOfWay:
    """Whose holders have all the time that they want."""
    return RightOfWay(monotonic, held_seconds=3600, lingers_seconds=0)


async def waiting(way: RightOfWay) -> asyncio.Task[None]:
    """Somebody who has begun to give way."""
    task = asyncio.create_task(way.given(PATIENCE_SECONDS))
    await asyncio.sleep(0)
    return task


async def test_nobody_waits_where_nobody_has_it(way: RightOfWay) -> None:
    with way.taken():
        pass
    await way.given(PATIENCE_SECONDS)


async def test_others_wait_until_all_who_have_it_are_done(way: RightOfWay) -> None:
    with way.taken():
        with way.taken():
            waits = await waiting(way)
        await asyncio.sleep(0)
        assert not waits.done()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waits


async def test_whoever_has_it_for_too_long_holds_nobody_up() -> None:
    way = RightOfWay(monotonic, held_seconds=0.01, lingers_seconds=0)
    with way.taken():
        async with asyncio.timeout(PATIENCE_SECONDS):
            await way.given(PATIENCE_SECONDS)


async def test_it_ends_when_somebody_waits_for_what_gives_way(way: RightOfWay) -> None:
    with way.taken():
        waits = await waiting(way)
        way.end()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await waits
        await way.given(PATIENCE_SECONDS)
        with way.taken():  # anew
            waits = await waiting(way)
            assert not waits.done()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waits


async def test_it_lasts_from_one_request_of_a_row_to_the_next() -> None:
    way = RightOfWay(monotonic, held_seconds=3600, lingers_seconds=3600)
    with way.taken():
        pass
    waits = await waiting(way)
    with way.taken():
        await asyncio.sleep(0)
    assert not waits.done()
    way.end()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waits


async def test_a_row_that_never_ends_holds_nobody_up() -> None:
    way = RightOfWay(monotonic, held_seconds=3600)
    with way.taken():
        async with asyncio.timeout(PATIENCE_SECONDS):
            await way.given(0.01)
