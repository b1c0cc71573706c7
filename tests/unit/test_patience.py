"""One timer for all: it ends exactly those waits that are too long."""

import asyncio

import pytest

from services.patience import Patience


@pytest.fixture
async def short() -> Patience:
    return Patience(0.01, TimeoutError)


async def endlessly() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_block_that_takes_too_long_raises(short: Patience) -> None:
    with pytest.raises(TimeoutError), short.bounded():
        await endlessly()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_that_is_through_in_time_is_left_alone(short: Patience) -> None:
    with short.bounded():
        await asyncio.sleep(0)
    # By the time this one is over, the first would be, too.
    with pytest.raises(TimeoutError), short.bounded():
        await endlessly()
    await asyncio.sleep(0)


async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        with Patience(60, TimeoutError).bounded():
            begun.set()
            await endlessly()

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_block_within_another_ends_by_the_shorter_time(short: Patience) -> None:
    with Patience(60, TimeoutError).bounded():
        with pytest.raises(TimeoutError), short.bounded():
            await endlessly()
        await asyncio.sleep(0)
