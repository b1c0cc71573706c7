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
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from cluster.databases import fresh_database
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from services.ledger import Ledger
from services.voice import Voice
from services.world import real_world
from tests.chaos.promises import check_promises, summary
from tests.chaos.settings import COMMANDS
from tests.e2e.commands import run
from tests.e2e.members import Member, Members
from tests.proof_size import count
from tests.rig import MARKER, LogHistory, Onlooker
from tests.tallies import Tally

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.timeout(900),
]

PARTITIONS = 4
LEASE_SECONDS = "4"
STEP_SECONDS = 0.2
UNLUCKY = 0.1
"""Of the steps, those in which somebody is killed."""
ENDS_SECONDS = 180.0
REBUILT_SECONDS = 180.0
SERVICES = {"gateway": 2, "executor": 2, "projector": 2, "watchdog": 2}
SEED = int(os.environ.get("COUNTERMAND_SEED", "0")) or random.SystemRandom().getrandbits(32)
ASYNCHRONOUS = {"prefer": "respond-async"}
AGAIN = (httpx.TransportError, ConnectionError)
FINISHED = {"succeeded", "failed", "cancelled", "skipped"}

WORK: list[tuple[str, dict[str, Any]]] = [
    ("sleep", {"seconds": 0.05}),
    ("sleep", {"seconds": 2}),
    ("sleep", {"seconds": 300}),
    ("stubborn", {"seconds": 300}),
    ("count", {"every_ms": 100, "times": 10}),
    ("fail", {"message": "as asked"}),
    ("tree", {}),
    ("quick", {}),
]


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
    with fresh_database(postgres_server) as database:
        environment = {
            MARKER: marker,
            "COUNTERMAND_KAFKA": kafka_broker,
            "COUNTERMAND_POSTGRES": database.set(drivername="postgresql").render_as_string(
                hide_password=False
            ),
            "COUNTERMAND_BROKER__TOPIC_PREFIX": f"chaos-{uuid.uuid4().hex}",
            "COUNTERMAND_BROKER__PARTITIONS": str(PARTITIONS),
            "COUNTERMAND_LOG_FORMAT": "json",
            "COUNTERMAND_EXECUTOR__LEASE_SECONDS": LEASE_SECONDS,
            "COUNTERMAND_EXECUTOR__ISOLATED_HOSTS_READY": "0",
            "COUNTERMAND_EXECUTOR__COMMANDS": json.dumps(commands),
            "COUNTERMAND_WATCHDOG__LEASE_SECONDS": LEASE_SECONDS,
            "COUNTERMAND_SHUTDOWN_GRACE_SECONDS": "1",
        }
        found = Members(tmp_path_factory.mktemp("members"), environment)
        found.make_key()
        try:
            found.start(*(name for name, number in SERVICES.items() for _ in range(number)))
            yield found
        finally:
            found.end()


@dataclass
class Callers:
    """Who submits and cancels, at whichever gateway answers, and remembers what was accepted."""

    members: Members
    chance: random.Random
    submitted: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """The events of cancels that were answered: durable, whatever comes."""
    answers: Counter[int] = field(default_factory=Counter)

    def post(self, path: str, asked: dict[str, Any], **headers: str) -> httpx.Response:
        """Repeated at another gateway until one answers: with its key it counts once."""
        headers["idempotency-key"] = uuid.uuid4().hex
        deadline = time.monotonic() + ENDS_SECONDS
        while True:
            assert time.monotonic() < deadline, "no gateway answers"
            gateway = self.chance.choice(gateways(self.members))
            try:
                with self.members.http(gateway) as http:
                    answer = http.post(path, json=asked, headers=headers, timeout=15)
            except AGAIN:
                time.sleep(STEP_SECONDS)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code != 503:
                return answer

    def submit(self) -> None:
        kind, payload = self.chance.choice(WORK)
        asked = {"kind": kind, "payload": payload, "grace_seconds": 0.3, "max_attempts": 3}
        answer = self.post("/tasks", asked)
        assert answer.status_code in (201, 202), answer.text
        self.submitted.append(answer.json()["id"])

    def cancel(self, task_id: str, mode: str) -> None:
        answer = self.post(f"/tasks/{task_id}/cancel", {"mode": mode}, **ASYNCHRONOUS)
        assert answer.status_code in (200, 202, 409), answer.text
        if answer.status_code != 409:
            self.accepted.append(answer.json()["event_id"])

    def status(self, task_id: str) -> str | None:
        try:
            with self.members.http(self.chance.choice(gateways(self.members))) as http:
                answer = http.get(f"/tasks/{task_id}")
        except AGAIN:
            return None
        found: str | None = answer.json().get("status") if answer.status_code == 200 else None
        return found


def gateways(members: Members) -> list[Member]:
    return [each for each in members.all if each.service == "gateway" and each.where]


def test_chaos_among_all_services_loses_no_cancel_and_leaves_no_survivor(
    members: Members, kafka_broker: str, marker: str, tally: Tally
) -> None:
    print(f"\nCOUNTERMAND_SEED={SEED}")
    callers = Callers(members, random.Random(SEED))
    killed = make_chaos(callers, random.Random(SEED + 1), float(count(small=4, full=120)))
    # Misfortune ends here; everything that was asked for must still come about.
    until_finished(callers)
    check_rebuild(members)
    for member in members.all:
        if member.service == "executor":
            member.stop()
    topic = Topic(f"{members.environment['COUNTERMAND_BROKER__TOPIC_PREFIX']}-history", PARTITIONS)
    onlooker = asyncio.run(looked_at(kafka_broker, topic, marker))
    told = summary(onlooker, callers.submitted)
    tally(f"killed {dict(killed)}, answers {dict(callers.answers)}, {told}")
    known = {str(entry.event.id) for entry in onlooker.entries if entry.event is not None}
    assert set(callers.accepted) <= known, "an accepted cancel isn't in the history"
    check_promises(onlooker, callers.submitted)
    # Whoever is still alive of all that inherited the mark is a service that runs no task.
    assert [each for each in onlooker.survivors() if "countermand.cli" not in each.cmdline()] == []


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
            callers.submit()
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
    deadline = time.monotonic() + ENDS_SECONDS
    for task_id in callers.submitted:
        while (status := callers.status(task_id)) not in FINISHED:
            assert time.monotonic() < deadline, f"{task_id} is still {status}"
            time.sleep(STEP_SECONDS)


def check_rebuild(members: Members) -> None:
    """It fails where what is rebuilt isn't what is in use."""
    said = run(["rebuild", "--json"], members.environment, REBUILT_SECONDS)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["compared"] is True


async def looked_at(bootstrap: str, topic: Topic, marker: str) -> Onlooker:
    """Who has judged the whole history, from its first entry on."""
    log = await open_kafka_log(Connection(bootstrap), topic, create=False)
    world = real_world()
    onlooker = Onlooker(Voice(log, world, source="/test", region="local"), marker)
    ledger = Ledger(log, LogHistory(log), [onlooker])
    end = await log.end()
    judging = asyncio.create_task(ledger.run())
    await onlooker.until(
        lambda: all(ledger.frontier.get(part, 0) >= offset for part, offset in end.items())
    )
    judging.cancel()
    await asyncio.wait({judging})
    await log.close()
    return onlooker
