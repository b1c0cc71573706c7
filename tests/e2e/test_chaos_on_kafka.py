"""Every service killed at random on a real broker, while tasks are submitted and cancelled."""

import asyncio
import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from tests.chaos.callers import FINISHED, STEP_SECONDS, Callers
from tests.chaos.hindsight import looked_at
from tests.chaos.promises import check_promises, summary
from tests.chaos.settings import COMMANDS
from tests.chaos.work import WORK, ran_twice, something_to_do
from tests.e2e.commands import run
from tests.e2e.members import EXCLUSIVE, Members, members_on, until
from tests.proof_size import count
from tests.rig import MARKER
from tests.tallies import Tally

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(900),
]

LEASE_SECONDS = 4.0
UNLUCKY = 0.1
"""Of the steps, those in which somebody is killed."""
REBUILT_SECONDS = 180.0
MODULES = ["countermand.handlers.samples", "tests.authors.exclusive"]
SERVICES = {"gateway": 2, "executor": 2, "projector": 2, "watchdog": 2}
SEED = int(os.environ.get("COUNTERMAND_SEED", "0")) or random.SystemRandom().getrandbits(32)


@pytest.fixture(scope="module")
def marker() -> str:
    """All processes of this file inherit it."""
    return uuid.uuid4().hex


@pytest.fixture(scope="module")
def members(
    kafka_broker: str,
    postgres_server: URL,
    marker: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Members]:
    commands = {
        name: {"argv": command.argv, "environment": {MARKER: marker}}
        for name, command in COMMANDS.items()
    }
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_EXECUTOR__COMMANDS": json.dumps(commands),
            **EXCLUSIVE,
            "COUNTERMAND_EXECUTOR__MODULES": json.dumps(MODULES),
            MARKER: marker,
        },
        lease_seconds=LEASE_SECONDS,
    ) as found:
        found.start(*(name for name, number in SERVICES.items() for _ in range(number)))
        yield found


def something(chance: random.Random, folder: Path) -> dict[str, Any]:
    kind, payload = something_to_do(chance, folder)
    return {"kind": kind, "payload": payload, "grace_seconds": 0.3, "max_attempts": 3}


def test_chaos_among_all_services_loses_no_cancel_and_leaves_no_survivor(
    members: Members, kafka_broker: str, marker: str, tally: Tally
) -> None:
    print(f"\nCOUNTERMAND_SEED={SEED}")
    callers = Callers(members, random.Random(SEED))
    lock = members.folder / "first.lock"
    callers.submit({"kind": "exclusive", "payload": {"lock": str(lock)}})
    until(lock.exists)
    killed = make_chaos(callers, random.Random(SEED + 1), float(count(small=4, full=120)))
    # Misfortune ends here; everything that was asked for must still come about.
    until_finished(callers)
    check_rebuild(members)
    for member in members.all:
        if member.service == "executor":
            member.stop()
    onlooker = asyncio.run(looked_at(kafka_broker, members.history, marker))
    told = summary(onlooker, callers.submitted)
    tally(f"killed {dict(killed)}, answers {dict(callers.answers)}, {told}")
    known = {str(entry.event.id) for entry in onlooker.entries if entry.event is not None}
    assert set(callers.accepted) <= known, "an accepted cancel isn't in the history"
    check_promises(onlooker, callers.submitted)
    assert ran_twice(members.folder) == []
    # The services themselves, forked, don't show the mark.
    assert onlooker.survivors() == []


def make_chaos(callers: Callers, chance: random.Random, seconds: float) -> Counter[str]:
    """Submit and cancel, and kill meanwhile; who was killed is started again at once."""
    killed: Counter[str] = Counter()
    over = threading.Event()
    failures: list[BaseException] = []

    def misfortune() -> None:
        try:
            while not over.wait(STEP_SECONDS):
                if chance.random() < UNLUCKY or not killed:
                    member = chance.choice(callers.members.all)
                    member.kill()
                    killed[member.service] += 1
                    member.launch()
        except BaseException as error:  # noqa: BLE001 (told below)
            failures.append(error)

    hurting = threading.Thread(target=misfortune)
    hurting.start()
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(callers.accepted) < len(WORK):
            callers.submit(something(callers.chance, callers.members.folder))
            if len(callers.submitted) % 2:
                task_id = callers.chance.choice(callers.submitted[-20:])
                callers.cancel(task_id, callers.chance.choice(("graceful", "force")))
    finally:
        over.set()
        hurting.join()
    assert not failures, failures
    for member in callers.members.all:
        if not member.alive:
            member.launch()
        member.until_up()
    return killed


def until_finished(callers: Callers) -> None:
    for task_id in callers.submitted:
        if callers.status(task_id) not in FINISHED:
            callers.cancel(task_id, "force")
    callers.until_finished(callers.submitted)


def check_rebuild(members: Members) -> None:
    """It fails where what is rebuilt isn't what is in use."""
    said = run(["rebuild", "--json"], members.environment, REBUILT_SECONDS)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["compared"] is True
