"""A region that is known only by what another tool has copied of its topic."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.task_events import TaskSubmitted
from tests.builders import nothing_yet
from tests.builders.actors import ORGANIZATION
from tests.e2e.members import until
from tests.e2e.regions import RegionalService
from tests.mirrored import PARTITIONS, Source


def read_as_copy(broker: str, prefix: str, copy: str, partitions: int) -> dict[str, Any]:
    """Where a region's history is read."""
    log = {"topic_prefix": prefix, "partitions": partitions}
    return {"log": {"kafka": broker, "broker": log, "topic": copy, "is_copy": True}}


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
