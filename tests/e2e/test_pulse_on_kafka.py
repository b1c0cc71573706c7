"""The workers of the pulse on a real broker: killed, joined by others, robbed of their memory."""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import URL

from events.cancel_events import CancelOverran, CancelRequested
from events.log import Message, Record
from events.positions import after
from services.kafka_log.connection import Connection
from services.kafka_log.log import open_kafka_log
from services.kafka_log.topic import Topic
from services.kafka_log.writer import partition_of
from tests.e2e.asking import SLEEP, WAIT
from tests.e2e.commands import REPOSITORY, run
from tests.e2e.drawn_pulse import drawn, essence
from tests.e2e.members import Member, Members, members_on, until
from tests.e2e.running import until_running
from tests.proof_size import count
from tests.recorded import judged
from tests.tallies import Tally

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.timeout(400),
]

PATIENCE_SECONDS = 90.0
LEASE_SECONDS = 6.0
STUBBORN = SLEEP | {"kind": "stubborn", "grace_seconds": 600}
KILLS = count(small=1, full=4)
LATE = count(small=2, full=10)
BUDGETED = STUBBORN | {"stop_within_seconds": 3}
BUDGETED_BY_ITS_HANDLER = STUBBORN | {"kind": "overrunning"}
MODULES = ["countermand.handlers.samples", "tests.authors.overrunning"]
POISONED = [f"acme/poison-{number}" for number in range(20)]


@pytest.fixture(scope="module")
def members(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Members]:
    with members_on(
        kafka_broker,
        postgres_server,
        tmp_path_factory.mktemp("members"),
        {
            "COUNTERMAND_EXECUTOR__MODULES": json.dumps(MODULES),
            "COUNTERMAND_EXECUTOR__MODULE_PATHS": json.dumps([str(REPOSITORY)]),
        },
        lease_seconds=LEASE_SECONDS,
        partitions=3,
    ) as found:
        found.start("gateway", "executor", "projector", "pulse-worker")
        yield found


def worker(members: Members) -> Member:
    [alive] = members.of("pulse-worker")
    return alive


def said(members: Members) -> str:
    """By all workers, dead or alive."""
    workers = [each for each in members.all if each.service == "pulse-worker"]
    return "\n".join(each.said()[-2000:] for each in workers)


def stop_some(http: httpx.Client) -> None:
    tasks = [http.post("/tasks", json=SLEEP).json()["id"] for _ in range(4)]
    for task_id in tasks:
        until_running(http, task_id)
        assert http.post(f"/tasks/{task_id}/cancel", headers=WAIT).json()["status"] == "cancelled"


def stopped(http: httpx.Client) -> int:
    """How many stops the pulse has counted in a day."""
    evidence: dict[str, int] = http.get("/pulse").json()["windows"]["24h"]["evidence"]
    return sum(evidence.values())


def until_stopped(http: httpx.Client, members: Members, wanted: int) -> None:
    until_counted(members, lambda: stopped(http), wanted)


def until_counted(members: Members, counted: Callable[[], int], wanted: int) -> None:
    """Until the pulse has counted so many: no fewer, and never more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := counted()) != wanted:
        assert found < wanted, f"{found} of {wanted}: {said(members)}"
        assert time.monotonic() < deadline, f"{found} of {wanted}: {said(members)}"
        time.sleep(0.1)


def overran(http: httpx.Client) -> int:
    counted: int = http.get("/pulse").json()["windows"]["24h"]["overran"]
    return counted


def live(http: httpx.Client) -> tuple[int, int]:
    """How many are being stopped, and how many of them haven't been told."""
    shown = http.get("/pulse").json()
    return shown["stopping"], shown["unobserved"]


def deadlines(http: httpx.Client) -> tuple[int, int]:
    """How many are past and not acted on, and how many come within a day."""
    shown = http.get("/pulse").json()["deadlines"]
    return shown["due"], shown["within"]["24h"]


def due_in(seconds: float) -> dict[str, Any]:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    return SLEEP | {"deadline": deadline.isoformat()}


def submitted(http: httpx.Client, asked: Mapping[str, Any]) -> str:
    task_id: str = http.post("/tasks", json=asked).json()["id"]
    until_running(http, task_id)
    return task_id


def overruns(http: httpx.Client, task_id: str) -> list[str]:
    """The verdicts of what says that its stop took too long; void ones were said again."""
    return verdicts(http, task_id, CancelOverran.TYPE)


def cancels(http: httpx.Client, task_id: str) -> list[str]:
    return verdicts(http, task_id, CancelRequested.TYPE)


def verdicts(http: httpx.Client, task_id: str, type_tag: str) -> list[str]:
    lines = http.get(f"/tasks/{task_id}/history").json()["items"]
    said = [line["verdict"] for line in lines if line["event"]["type"] == type_tag]
    return [verdict for verdict in said if verdict != "void"]


class OpenEnds:
    """A stop that takes too long in a moment, and a deadline that is far."""

    def __init__(
        self, members: Members, http: httpx.Client, late: Mapping[str, Any] = BUDGETED
    ) -> None:
        self._members, self._http = members, http
        _, self._deadlines = deadlines(http)
        self.late = submitted(http, late)
        http.post(f"/tasks/{self.late}/cancel", headers={"prefer": "respond-async"})
        self._kept = submitted(http, due_in(3000))

    def close(self) -> None:
        """Each is known, once; both are stopped, and counted so."""
        http, late = self._http, self.late
        until(lambda: overruns(http, late) == ["noted"], lambda: said(self._members))
        until(lambda: deadlines(http) == (0, self._deadlines + 1))
        forced = http.post(f"/tasks/{late}/cancel", json={"mode": "force"}, headers=WAIT)
        assert forced.json()["status"] == "cancelled", forced.text
        http.post(f"/tasks/{self._kept}/cancel", headers=WAIT)
        assert overruns(http, late) == ["noted"]


@pytest.mark.prove
@pytest.mark.long
def test_every_stop_is_counted_once_whoever_counts(members: Members, http: httpx.Client) -> None:
    stop_some(http)
    until_stopped(http, members, 4)
    # One more worker: some partitions move, with their rows.
    [second] = members.start("pulse-worker")
    until(lambda: "has a partition" in second.said())
    stop_some(http)
    until_stopped(http, members, 8)
    # The first one is killed, and the second one takes what it had.
    next(each for each in members.all if each.service == "pulse-worker").kill()
    stop_some(http)
    until_stopped(http, members, 12)


def test_a_live_stop_is_shown_until_it_ends(members: Members, http: httpx.Client) -> None:
    task_id = http.post("/tasks", json=SLEEP).json()["id"]
    until_running(http, task_id)
    [executor] = members.of("executor")
    executor.kill()
    http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "respond-async"})
    until(lambda: http.get("/pulse").json()["stopping"] == 1)
    members.start("watchdog", "executor")
    until(lambda: http.get("/pulse").json()["stopping"] == 0)
    assert http.get(f"/tasks/{task_id}").json()["evidence"] == "presumed"


def test_a_poisoned_record_stops_no_worker(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    before, overran_before = stopped(http), overran(http)
    open_ends = OpenEnds(members, http)
    asyncio.run(poison(kafka_broker, members.history))
    stop_some(http)
    until_stopped(http, members, before + 4)
    open_ends.close()
    until_stopped(http, members, before + 6)
    until_counted(members, lambda: overran(http), overran_before + 1)
    assert worker(members).alive


def test_numbers_are_right_when_the_changelog_was_deleted(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    before, overran_before = stopped(http), overran(http)
    OpenEnds(members, http).close()
    until_stopped(http, members, before + 2)
    until_counted(members, lambda: overran(http), overran_before + 1)
    open_ends = OpenEnds(members, http, late=BUDGETED_BY_ITS_HANDLER)
    until(lambda: live(http) == (1, 0))
    assert worker(members).stop() == 0
    assert asyncio.run(delete_changelogs(kafka_broker, members.history))
    stop_some(http)
    members.start("pulse-worker")
    until_stopped(http, members, before + 6)
    assert live(http) == (1, 0), "that it was observed is known"
    open_ends.close()
    until_stopped(http, members, before + 8)
    until_counted(members, lambda: overran(http), overran_before + 2)


def test_gateways_metrics_and_command_show_what_the_history_says(
    members: Members, http: httpx.Client, kafka_broker: str
) -> None:
    """All of the tests before this one, with a stop and a deadline that are open."""
    open_ends = OpenEnds(members, http)
    try:
        until(lambda: overruns(http, open_ends.late) == ["noted"], lambda: said(members))
        # The fold of the whole history by the pulse's own functions, as the embedded log has them.
        expected = drawn(judged(asyncio.run(everything(kafka_broker, members.history))))
        assert expected["stopping"] == 1
        assert expected["windows"]["24h"]["overran"] > 0
        until(
            lambda: essence(http.get("/pulse").json()) == essence(expected),
            lambda: f"{essence(http.get('/pulse').json())}\n{essence(expected)}",
        )
        command = run(["pulse", "--json", "--url", url_of(members), "--key", members.key], {})
        assert essence(json.loads(command.stdout)) == essence(expected)
        gauges = {"cancels_stopping": 1.0, "cancels_unobserved": 0.0, "deadlines_due": 0.0}
        # A gateway draws them every few seconds.
        until(lambda: gauged(members, gauges) == gauges, lambda: f"{gauged(members, gauges)}")
    finally:
        open_ends.close()


def gauged(members: Members, names: Collection[str]) -> dict[str, float]:
    lines = httpx.get(url_of(members) + "/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(told[f"countermand_{name}"]) for name in names}


@pytest.mark.prove
def test_no_overrun_and_no_deadline_is_missed_or_doubled_by_kills(
    members: Members, http: httpx.Client, tally: Tally
) -> None:
    for _ in range(2 - len(members.of("watchdog"))):
        members.start("watchdog")
    members.start("pulse-worker")
    stopped_before, overran_before = stopped(http), overran(http)
    kept = [http.post("/tasks", json=due_in(3000)).json()["id"] for _ in range(LATE)]
    until(lambda: deadlines(http) == (0, LATE), lambda: f"{http.get('/pulse').json()}")
    # Budgets and deadlines end before, between and after the kills.
    ends = [1 + 4 * KILLS * number / LATE for number in range(LATE)]
    late = [submitted(http, STUBBORN | {"stop_within_seconds": seconds}) for seconds in ends]
    for task_id in late:
        http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "respond-async"})
    due = [submitted(http, due_in(seconds)) for seconds in ends]
    for number in range(KILLS):
        # Workers say what took too long, watchdogs what is due.
        for service in ("pulse-worker", "watchdog"):
            alive = members.of(service)
            alive[number % len(alive)].kill()
            members.start(service)
    for task_id in late:
        until(lambda: overruns(http, task_id) == ["noted"], lambda: said(members))  # noqa: B023
    until_counted(members, lambda: overran(http), overran_before + LATE)
    for task_id in late:
        forced = http.post(f"/tasks/{task_id}/cancel", json={"mode": "force"}, headers=WAIT)
        assert forced.json()["status"] == "cancelled", forced.text
    until_counted(members, lambda: stopped(http), stopped_before + 2 * LATE)
    assert [cancels(http, task_id) for task_id in due] == [["effective"]] * LATE
    assert [overruns(http, task_id) for task_id in late] == [["noted"]] * LATE
    assert overran(http) == overran_before + LATE
    until(lambda: deadlines(http) == (0, LATE), lambda: f"{http.get('/pulse').json()}")
    for task_id in kept:
        http.post(f"/tasks/{task_id}/cancel", headers=WAIT)
    for each in members.of("pulse-worker")[1:]:
        assert each.stop() == 0, each.said()[-4000:]
    tally(f"{KILLS} kills each of workers and watchdogs, {LATE} overruns, {LATE} deadlines")


def test_workers_leave_nothing_where_they_were_started(members: Members) -> None:
    prefix = members.history.name.removesuffix("history")
    assert list(REPOSITORY.glob(f"{prefix}*")) == []


def test_workers_end_when_they_are_told_to(members: Members) -> None:
    assert worker(members).stop() == 0, worker(members).said()[-4000:]


def url_of(members: Members) -> str:
    return members.of("gateway")[0].where


async def everything(bootstrap: str, history: Topic) -> list[Record]:
    log = await open_kafka_log(Connection(bootstrap), history, create=False)
    try:
        place: dict[int, int] = {}
        told: list[Record] = []
        while records := await log.read(place, 1000):
            place = after(place, [each.position for each in records])
            told += records
        return told
    finally:
        await log.close()


async def poison(bootstrap: str, topic: Topic) -> None:
    history = await open_kafka_log(Connection(bootstrap), topic, create=False)
    keys = {partition_of(key.encode(), topic.partitions): key for key in POISONED}
    assert len(keys) == topic.partitions
    for key in keys.values():
        await history.append([Message(key, b"\xff no event of ours")])
    await history.close()


async def delete_changelogs(bootstrap: str, history: Topic) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = await admin.list_topics()
    found = [
        each
        for each in topics
        if each.startswith(history.name.removesuffix("history")) and "changelog" in each
    ]
    await admin.delete_topics(found)
    await admin.close()
    return found
