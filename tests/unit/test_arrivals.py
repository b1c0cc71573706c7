"""Who waits for the read models is woken when they have come so far, and not before."""

import asyncio

import pytest

from services.read_models.arrivals import GIVEN_UP_KEPT, Arrivals

PATIENCE_SECONDS = 60.0


async def waiting(arrivals: Arrivals, *frontiers: dict[int, int]) -> list[asyncio.Task[bool]]:
    tasks = [asyncio.create_task(arrivals.reached(each, PATIENCE_SECONDS)) for each in frontiers]
    await asyncio.sleep(0)
    return tasks


async def test_each_is_woken_by_what_it_waits_for() -> None:
    arrivals = Arrivals({0: 3})
    near, far, both, there = await waiting(arrivals, {0: 4}, {0: 9}, {0: 4, 1: 1}, {0: 3})
    assert await there
    arrivals.learn({0: 5})
    assert await near
    assert not far.done()
    assert not both.done()
    arrivals.learn({1: 1})
    assert await both
    arrivals.learn({0: 9, 1: 1})
    assert await far
    assert arrivals.frontier() == {0: 9, 1: 1}


async def test_what_is_known_is_never_unlearned() -> None:
    arrivals = Arrivals({0: 3})
    arrivals.learn({0: 2, 1: 1})
    assert arrivals.frontier() == {0: 3, 1: 1}
    assert await arrivals.reached({0: 3}, 0)


async def test_a_wait_ends_with_its_timeout() -> None:
    arrivals = Arrivals({})
    assert not await arrivals.reached({0: 1}, 0.001)
    assert await arrivals.moved({}, 0.001) == {}


async def test_a_stream_hears_of_any_partition() -> None:
    arrivals = Arrivals({0: 3, 1: 4})
    assert await arrivals.moved({0: 2}, PATIENCE_SECONDS) == {0: 3, 1: 4}
    moved = asyncio.create_task(arrivals.moved({0: 3, 1: 4}, PATIENCE_SECONDS))
    await asyncio.sleep(0)
    arrivals.learn({0: 1})
    await asyncio.sleep(0)
    assert not moved.done()
    arrivals.learn({1: 5})
    assert await moved == {0: 3, 1: 5}


@pytest.mark.parametrize("rounds", [1, 3])
async def test_those_who_wait_in_vain_are_forgotten(rounds: int) -> None:
    arrivals = Arrivals({})
    for _ in range(rounds):
        tasks = await waiting(arrivals, *({0: 10**12} for _ in range(GIVEN_UP_KEPT + 1)))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(arrivals._waiting[0]) <= GIVEN_UP_KEPT
    (near,) = await waiting(arrivals, {0: 1})
    arrivals.learn({0: 1})
    assert await near
