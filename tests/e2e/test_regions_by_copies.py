"""Regions that know of each other only what another tool has copied of their topics."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from events.cancel_events import CancelRequested
from events.task_events import TaskSubmitted
from tests.builders import nothing_yet
from tests.builders.actors import ORGANIZATION
from tests.e2e.asking import SLEEP
from tests.e2e.members import Members, members_on, until
from tests.e2e.mirror import Mirror
from tests.e2e.regions import RegionalService
from tests.e2e.running import until_running
from tests.mirrored import PARTITIONS, Source

WAIT = {"prefer": "wait=60"}


def read_as_copy(broker: str, prefix: str, copy: str, partitions: int) -> dict[str, Any]:
    """Where a region's history is read."""
    log = {"topic_prefix": prefix, "partitions": partitions}
    return {"log": {"kafka": broker, "broker": log, "topic": copy, "is_copy": True}}


# ------------------------------------------------------------------------------- what is missing


def gaps(service: RegionalService) -> int:
    text = httpx.get(service.url + "/metrics").text
    (line,) = [each for each in text.splitlines() if each.startswith("countermand_region_gaps ")]
    return int(float(line.split()[1]))


def news(service: RegionalService) -> dict[str, Any]:
    with service.http() as http:
        (a,) = http.get("/regions").json()["others"]
    found: dict[str, Any] = a
    return found


def doctor(service: RegionalService) -> tuple[int, str]:
    said = service.command("doctor", "--json")
    says = {each["what"]: each["says"] for each in json.loads(said.stdout)}
    return said.returncode, says["region a"]


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_a_gap_in_a_copy_is_shown_wherever_one_looks_and_healed_by_copying_anew(
    kafka_broker: str, tmp_path: Path
) -> None:
    source = Source(kafka_broker)
    asyncio.run(source.said(nothing_yet("far").submitted(kind="k").cancel_requested()))
    asyncio.run(source.mirrored(without={TaskSubmitted.TYPE}))
    b = RegionalService(tmp_path / "b", "b", more={"carry": True})
    b.knows_at({"a": read_as_copy(kafka_broker, source.prefix, source.copy, PARTITIONS)})
    b.start()
    try:
        until(lambda: gaps(b) == 1, b.said)
        until(lambda: news(b)["trouble"] is not None, b.said)
        for says in (news(b)["trouble"], doctor(b)[1], b.said()):
            assert "the copy of 'a' has a gap" in says
        assert doctor(b)[0] != 0
        assert "countermand regions forget a" in b.said()
        # Its own tasks go on.
        assert httpx.get(b.url + "/readyz").json()["status"] == "ready"
    finally:
        assert b.stop() == 0, b.said()[-4000:]

    source.copy = f"anew-{source.copy}"
    asyncio.run(source.mirrored())
    b.knows_at({"a": read_as_copy(kafka_broker, source.prefix, source.copy, PARTITIONS)})
    b.run("regions", "forget", "a")
    b.start()
    try:
        with b.http(b.made_key(ORGANIZATION, "admin")) as http:
            until(lambda: http.get("/tasks/far").status_code == 200, b.said)
            assert http.get("/tasks/far").json()["status"] == "cancelled"
        assert gaps(b) == 0
        assert news(b)["trouble"] is None
    finally:
        assert b.stop() == 0, b.said()[-4000:]


# ------------------------------------------------------------------------ two regions on brokers


@pytest.fixture(scope="module")
def pair(
    kafka_broker: str, postgres_server: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Members, httpx.Client]]]:
    """Each with topics and a database of its own; neither knows a gateway of the other."""
    folder, partitions = tmp_path_factory.mktemp("by-copies"), 2
    prefix = {name: f"{name}-{uuid.uuid4().hex}" for name in "ab"}
    found = {}
    with ExitStack() as stack:
        for name, other in (("a", "b"), ("b", "a")):
            topic = f"{prefix[name]}-history"
            stack.enter_context(Mirror(kafka_broker, topic, f"{name}.{topic}", partitions))
            copy = f"{other}.{prefix[other]}-history"
            address = read_as_copy(kafka_broker, prefix[other], copy, partitions)
            settings = {
                "COUNTERMAND_REGION": name,
                "COUNTERMAND_REGIONS": json.dumps({"others": {other: address}, "carry": True}),
                "COUNTERMAND_BROKER__TOPIC_PREFIX": prefix[name],
            }
            members = stack.enter_context(
                members_on(
                    kafka_broker,
                    postgres_server,
                    folder / name,
                    settings,
                    lease_seconds=10.0,
                    partitions=partitions,
                )
            )
            gateway, *_ = members.start("gateway", "executor", "projector")
            found[name] = members, stack.enter_context(members.http(gateway))
        yield found


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("home", "asked"), [("a", "b"), ("b", "a")])
def test_two_regions_that_read_only_each_other_s_copies_cancel_what_runs_in_the_other(
    pair: dict[str, tuple[Members, httpx.Client]], home: str, asked: str
) -> None:
    at_home, elsewhere = pair[home][1], pair[asked][1]
    task = f"runs-in-{home}"
    at_home.post("/tasks", json={**SLEEP, "id": task}).raise_for_status()
    until_running(at_home, task)

    order = {"region": home, "reason": "by a copy"}
    receipt = elsewhere.post(f"/tasks/{task}/cancel", json=order, headers=WAIT)

    assert receipt.status_code == 200, receipt.text
    assert receipt.json()["evidence"] == "acknowledged"
    assert at_home.get(f"/tasks/{task}/receipt").json()["why"] == "by a copy"
    # Asked again, and carried again, it is decided once.
    again = elsewhere.post(f"/tasks/{task}/cancel", json=order, headers=WAIT)
    assert again.status_code == 409, again.text
    lines = at_home.get(f"/tasks/{task}/history").json()["items"]
    cancels = [line["verdict"] for line in lines if line["event"]["type"] == CancelRequested.TYPE]
    assert cancels == ["effective", "void"]
