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
from concurrent.futures import ThreadPoolExecutor
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
CALLERS = 3
UNLUCKY = 0.1
"""Of the steps, those in which somebody is killed."""
UNLUCKY_AT_FIRST = 0.5
"""The same, until each kind of service has been."""
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
    tally(
        f"killed {dict(killed)}, {CALLERS} callers, answers {dict(callers.answers)} "
        f"by {dict(callers.answered_by)}, none {dict(callers.unanswered)}, {told}"
    )
    assert killed.keys() == SERVICES.keys()
    assert len(callers.answered_by) == SERVICES["gateway"]
    # Who is killed breaks the connection; who can't do what it is asked says so in time.
    assert "ReadTimeout" not in callers.unanswered
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
    until = time.monotonic() + seconds

    def misfortune() -> None:
        """Each kind has its turn, in any order, and then again."""
        turn: list[str] = []
        try:
            while not over.wait(STEP_SECONDS):
                all_were = killed.keys() == SERVICES.keys()
                if chance.random() < (UNLUCKY if all_were else UNLUCKY_AT_FIRST):
                    turn = turn or chance.sample([*SERVICES], len(SERVICES))
                    service = turn.pop()
                    member = chance.choice(
                        [each for each in callers.members.all if each.service == service]
                    )
                    member.kill()
                    killed[service] += 1
                    member.launch()
        except BaseException as error:  # noqa: BLE001 (told below)
            failures.append(error)
            over.set()

    def goes_on() -> bool:
        enough = (
            len(callers.accepted) >= len(WORK)
            and killed.keys() == SERVICES.keys()
            and len(callers.answered_by) == SERVICES["gateway"]
        )
        return not over.is_set() and (time.monotonic() < until or not enough)

    def call(own: random.Random) -> None:
        submitted: list[str] = []
        while goes_on():
            submitted.append(callers.submit(something(own, callers.members.folder)))
            if len(submitted) % 2:
                # Anybody's, so that some are cancelled by several at once.
                task_id = own.choice(callers.submitted[-20:])
                callers.cancel(task_id, own.choice(("graceful", "force")))

    hurting = threading.Thread(target=misfortune)
    hurting.start()
    try:
        with ThreadPoolExecutor(CALLERS) as threads:
            seeds = [chance.getrandbits(32) for _ in range(CALLERS)]
            for each in [threads.submit(call, random.Random(seed)) for seed in seeds]:
                each.result()
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
