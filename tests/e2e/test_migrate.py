"""`countermand migrate` itself: from `countermand up` to a service on Kafka that goes on."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from countermand.cli.exits import Exit
from events.task_events import TaskOutput
from tests.e2e.asking import WAIT, submitted, waiting
from tests.e2e.commands import run
from tests.e2e.members import members_on
from tests.e2e.running import Running, until_running

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.postgres,
    pytest.mark.prove,
    pytest.mark.long,
    pytest.mark.timeout(300),
]

COUNTS = 3


def lines_of(http: httpx.Client, task_id: str) -> list[Any]:
    """Its history but for places and append times, which a move makes anew."""
    items = http.get(f"/tasks/{task_id}/history").json()["items"]
    return [(line["event"], line["verdict"]) for line in items]


def output_of(http: httpx.Client, task_id: str) -> list[str]:
    """The data of every frame of output."""
    found: list[str] = []
    with http.stream("GET", f"/tasks/{task_id}/stream", timeout=30) as frames:
        is_output = False
        for line in frames.iter_lines():
            if line.startswith("event: "):
                is_output = line == f"event: {TaskOutput.TYPE}"
            elif line.startswith("data: ") and is_output:
                found.append(line)
                if len(found) == COUNTS:
                    break
    return found


def test_a_service_on_kafka_goes_on_from_what_one_machine_had(
    kafka_broker: str, postgres_server: URL, tmp_path: Path
) -> None:
    here = Running(tmp_path)
    with members_on(kafka_broker, postgres_server, tmp_path, {}, lease_seconds=6) as members:
        move = ["migrate", "--data", str(here.data), "--json"]
        # 1. One machine: a task that has ended, and one that is to be later.
        here.start()
        key = here.new_key("acme", "admin")
        with here.http(key) as http:
            ended = submitted(http, "count", payload={"times": COUNTS, "every_ms": 1})
            until_running(http, ended, "succeeded")
            later = waiting(http)
            histories = {each: lines_of(http, each) for each in (ended, later)}
            said = output_of(http, ended)
        assert len(said) == COUNTS
        # 2. While it runs nothing is moved.
        refused = run(move, members.environment)
        assert (refused.returncode, refused.stdout) == (Exit.CONFIGURATION, "")
        assert refused.stderr.strip()
        assert "Traceback" not in refused.stderr
        assert here.stop() == 0, here.said()[-4000:]
        # 3. Moved, once.
        moved = run(move, members.environment)
        assert moved.returncode == Exit.DONE, moved.stderr
        streams = {one["stream"]: one for one in map(json.loads, moved.stdout.splitlines())}
        assert streams["history"]["records"] >= sum(map(len, histories.values()))
        assert streams["output"]["records"] >= COUNTS
        again = run(move, members.environment)
        assert again.returncode == Exit.CONFIGURATION
        assert "holds" in again.stderr
        # 4. Gone on with.
        gateway, *_ = members.start("gateway", "executor", "projector")
        with members.http(gateway) as http:
            assert {each: lines_of(http, each) for each in histories} == histories
            assert [json.loads(line[6:]) for line in output_of(http, ended)] == [
                json.loads(line[6:]) for line in said
            ]
            receipt = http.post(f"/tasks/{later}/cancel", headers=WAIT).json()
            assert (receipt["status"], receipt["evidence"]) == ("cancelled", "never_started")
            until_running(http, submitted(http))
        rebuilt = run(["rebuild", "--json"], members.environment)
        assert rebuilt.returncode == Exit.DONE, rebuilt.stderr
        assert json.loads(rebuilt.stdout)["compared"] is True
