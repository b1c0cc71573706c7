"""Executors are killed, stopped and continued at random while tasks are submitted and cancelled."""

import asyncio
import os
import random
from pathlib import Path
from uuid import uuid4

import pytest

from events.words import Mode, Status
from services.embedded_log import open_log
from services.ledger import Ledger
from services.voice import Voice
from services.watchdog import Watchdog, WatchdogSettings
from services.world import real_world
from tests.chaos.fleet import Fleet
from tests.chaos.log_over_socket import LogServer
from tests.chaos.promises import check_promises, summary
from tests.chaos.work import ran_twice, something_to_do
from tests.proof_size import count
from tests.rig import MARKER, LogHistory, Onlooker, now_us
from tests.tallies import Tally

LEASE_SECONDS = 2.0
STEP_SECONDS = 0.1
SEED = int(os.environ.get("COUNTERMAND_SEED", "0")) or random.SystemRandom().getrandbits(32)


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_chaos_among_executors_loses_no_cancel_and_leaves_no_survivor(
    tmp_path: Path, tally: Tally
) -> None:
    duration_seconds = float(count(small=8, full=60))
    chance = random.Random(SEED)
    print(f"\nCOUNTERMAND_SEED={SEED}")
    marker = uuid4().hex
    os.environ[MARKER] = marker
    world = real_world()
    names = ("history", "output", "heartbeats")
    logs = {name: await open_log(tmp_path / f"{name}.db", name, now_us) for name in names}
    voice = Voice(logs["history"], world, source="/test/gateway", region="local")
    onlooker = Onlooker(voice, marker)
    watchdog = Watchdog(
        heartbeats=logs["heartbeats"],
        voice=voice,
        world=world,
        settings=WatchdogSettings(lease_seconds=LEASE_SECONDS),
        watchdog_id="watchdog-1",
    )
    history = LogHistory(logs["history"])
    ledger = Ledger(logs["history"], history, [voice, watchdog, onlooker])
    server = await LogServer(logs).serve(tmp_path / "logs.sock")
    fleet = Fleet(tmp_path / "logs.sock", tmp_path, 3, LEASE_SECONDS, chance)
    async with asyncio.TaskGroup() as tasks:
        side = [tasks.create_task(ledger.run()), tasks.create_task(watchdog.run())]
        fleet.fill()
        # Chaos among executors that are still loading would be chaos among nobody.
        await onlooker.until_status(await onlooker.submit("quick"), Status.SUCCEEDED)
        first = await onlooker.submit("exclusive", {"lock": str(tmp_path / "first.lock")})
        await onlooker.until_status(first, Status.RUNNING)
        submitted = [
            first,
            *await make_chaos(onlooker, fleet, chance, duration_seconds, tmp_path),
        ]
        # Misfortune ends here; everything that was asked for must still come about.
        fleet.fill()
        for task_id in submitted:
            state = onlooker.task(task_id)
            if state is None or not state.finished:
                await onlooker.cancel(task_id, Mode.FORCE)
        for task_id in submitted:
            await onlooker.until_status(task_id, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
        await asyncio.to_thread(fleet.end)
        for task in side:
            task.cancel()
    server.close()
    survivors = onlooker.survivors()
    tally(f"{dict(fleet.done)}, {summary(onlooker, submitted)}, survivors: {len(survivors)}")
    assert survivors == []
    check_promises(onlooker, submitted)
    assert ran_twice(tmp_path) == []
    for log in logs.values():
        await log.close()


async def make_chaos(
    onlooker: Onlooker,
    fleet: Fleet,
    chance: random.Random,
    duration_seconds: float,
    folder: Path,
) -> list[str]:
    """Submit, cancel and hurt, for so long. The ids that were submitted."""
    submitted: list[str] = []
    loop = asyncio.get_running_loop()
    until = loop.time() + duration_seconds
    while loop.time() < until:
        for _ in range(chance.randint(1, 3)):
            kind, payload = something_to_do(chance, folder)
            submitted.append(
                await onlooker.submit(
                    kind, payload, grace_seconds=0.3, max_attempts=3, backoff_seconds=0.05
                )
            )
        for task_id in chance.sample(submitted[-40:], min(len(submitted), 1)):
            await onlooker.cancel(task_id, chance.choice(list(Mode)))
        if chance.random() < 0.08:
            await asyncio.to_thread(fleet.misfortune)
        # The pace of the chaos; nothing is waited for here.
        await asyncio.sleep(STEP_SECONDS)
    return submitted
