"""Keepers and guardians that are stopped keep nobody alive."""

import os
import signal
import time

from services.executor.guardian.client import Guardian
from tests.component.guardian.scene import LEASE_SECONDS, PATIENCE_SECONDS, Scene, parent, proof
from tests.component.guardian.trees import CALLS_SETSID, WAITS


async def test_a_keeper_that_does_not_answer_is_replaced_by_the_guardian(
    guardian: Guardian, scene: Scene
) -> None:
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    os.kill(parent(tree.pid), signal.SIGSTOP)

    tree.kill()

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_stopped_keepers_do_not_keep_a_guardian_from_finishing(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    os.kill(parent(tree.pid), signal.SIGSTOP)

    await guardian.close(PATIENCE_SECONDS)

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_guardian_that_is_stopped_with_its_keepers_is_woken_to_kill(
    guardian: Guardian, scene: Scene
) -> None:
    """By a tree that wants to live on: nobody else is there to kill it."""
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    for pid in (guardian.pid, parent(tree.pid)):
        os.kill(pid, signal.SIGSTOP)

    tree.kill()

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_stopped_guardian_finishes_all_the_same(scene: Scene) -> None:
    guardian = await Guardian.start(scene.lock, time.monotonic() + LEASE_SECONDS)
    tree = await scene.spawn(guardian, CALLS_SETSID)
    await scene.reports(2)
    for pid in (guardian.pid, parent(tree.pid)):
        os.kill(pid, signal.SIGSTOP)

    await guardian.close(PATIENCE_SECONDS)

    assert (await proof(tree)).by == "guardian"
    assert scene.survivors() == []


async def test_a_guardian_hears_neither_the_terminal_nor_a_service_manager(
    guardian: Guardian, scene: Scene
) -> None:
    assert os.getsid(guardian.pid) == guardian.pid
    tree = await scene.spawn(guardian, WAITS)
    await scene.report()
    for pid in (guardian.pid, parent(tree.pid)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, number)

    other = await scene.spawn(guardian, ["true"])

    assert (await proof(other)).status == 0
    assert not tree.gone.done()
    tree.kill()
    assert (await proof(tree)).by == "keeper"
