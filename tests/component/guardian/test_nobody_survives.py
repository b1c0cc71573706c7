"""Whoever is killed, and whenever a lease is over: no process is left.

In one file, since some of it is timed and some takes the whole machine.
"""

import asyncio
import os
import signal
import time

import pytest

from services.executor.guardian.client import CannotStart, Gone, Guardian
from tests.component.guardian.scene import (
    LEASE_SECONDS,
    PATIENCE_SECONDS,
    Scene,
    exit_code,
    freed,
    parent,
    proof,
)
from tests.component.guardian.stand_in import StandIn
from tests.component.guardian.trees import (
    ALL_PROCESSES,
    FORKS_TWICE,
    IGNORES_SIGTERM,
    STOPS_ITSELF,
    STORM,
    TREES,
    WAITS,
    any_tree,
    any_tree_that_can_be_searched_for,
)


@any_tree
async def test_killed_nobody_survives(
    guardian: Guardian, scene: Scene, program: str, processes: int
) -> None:
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)

    tree.terminate()
    tree.kill()

    gone = await proof(tree)
    assert scene.survivors() == []
    assert gone.by == "keeper"
    if program is not STOPS_ITSELF:
        assert gone.killed >= processes
        assert await exit_code(tree) == -signal.SIGKILL


async def test_nothing_outlives_a_killed_executor_by_a_second(scene: Scene) -> None:
    executor = await StandIn.start(scene, LEASE_SECONDS)
    await scene.reports(ALL_PROCESSES)
    await executor.says()

    executor.process.kill()
    killed_at = time.monotonic()
    await executor.process.wait()

    assert await freed(scene.lock)
    assert time.monotonic() - killed_at < 1.0
    assert scene.survivors() == []


async def test_nothing_outlives_the_lease_of_a_stopped_executor(scene: Scene) -> None:
    executor = await StandIn.start(scene, lease_seconds=5.0)
    await scene.reports(ALL_PROCESSES)
    up = await executor.says()
    executor.process.send_signal(signal.SIGSTOP)

    assert await freed(scene.lock)
    assert set(scene.survivors()) == {executor.process.pid}

    # When it goes on it hears of everything that it has missed.
    executor.process.send_signal(signal.SIGCONT)
    assert isinstance(up["trees"], list)
    for pid in up["trees"]:
        assert await executor.says() == {"gone": pid, "by": "keeper"}
    assert await executor.says() == {"closed": up["guardian"]}
    assert await executor.process.wait() == 0


async def test_a_lease_that_is_renewed_goes_on(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + 0.5)
    guardian.renew(time.monotonic() + 600)
    tree = await scene.spawn(guardian, WAITS)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.8):
            await asyncio.shield(guardian.closed)

    guardian.renew(time.monotonic() - 1)  # a lease is never made shorter
    assert not tree.gone.done()
    await guardian.close(PATIENCE_SECONDS)


async def test_when_the_lease_is_over_everything_is_killed(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + 1.0)
    tree = await scene.spawn(guardian, IGNORES_SIGTERM)
    await scene.report()

    # How it ended says nothing about it: that was the lease's doing.
    assert await proof(tree) == Gone(None, 1, "keeper")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    with pytest.raises(CannotStart, match="the guardian is gone"):
        await scene.spawn(guardian, WAITS)
    tree.terminate()
    tree.kill()
    guardian.renew(time.monotonic() + 1)
    await guardian.close(PATIENCE_SECONDS)


async def test_a_killed_guardian_leaves_nothing(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    every = [*TREES.values(), *STORM.values()]
    trees = [await scene.spawn(guardian, program) for program, _ in every]
    await scene.reports(sum(processes for _, processes in every))

    os.kill(guardian.pid, signal.SIGKILL)

    for tree in trees:
        assert (await proof(tree)).by == "keeper"
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
    assert await freed(scene.lock)
    assert scene.survivors() == []


@any_tree
async def test_a_killed_keeper_leaves_its_tree_to_the_guardian(
    guardian: Guardian, scene: Scene, program: str, processes: int
) -> None:
    neighbour = await scene.spawn(guardian, WAITS)
    await scene.report()
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)

    os.kill(parent(tree.pid), signal.SIGKILL)

    gone = await proof(tree)
    assert gone.by == "guardian"
    assert gone.killed >= 1
    assert scene.survivors() == [neighbour.pid]
    assert os.WTERMSIG(await tree.exited) == signal.SIGKILL
    neighbour.kill()
    await proof(neighbour)


async def test_many_keepers_killed_at_once_leave_nothing(guardian: Guardian, scene: Scene) -> None:
    trees = [await scene.spawn(guardian, FORKS_TWICE) for _ in range(20)]
    await scene.reports(40)

    for tree in trees[1:]:
        os.kill(parent(tree.pid), signal.SIGKILL)

    for tree in trees[1:]:
        assert (await proof(tree)).by == "guardian"
    assert len(scene.survivors()) == 2
    assert not trees[0].gone.done()
    trees[0].kill()
    assert (await proof(trees[0])).by == "keeper"


@any_tree_that_can_be_searched_for
async def test_when_keeper_and_guardian_are_killed_the_rest_is_searched_for(
    scene: Scene, program: str, processes: int
) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, program)
    await scene.reports(processes)
    both = [guardian.pid, parent(tree.pid)]

    for number in (signal.SIGSTOP, signal.SIGKILL):  # so that neither can do anything any more
        for pid in both:
            os.kill(pid, number)

    assert (await proof(tree)).by == "search"
    assert tree.exited.done()
    assert scene.survivors() == []
    async with asyncio.timeout(PATIENCE_SECONDS):
        await guardian.closed
