"""Two regions, one with an embedded log, the other on a broker and PostgreSQL."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import URL

from tests.e2e.asking import SLEEP
from tests.e2e.commands import run
from tests.e2e.members import members_on
from tests.e2e.regions import RegionalService, known_there
from tests.e2e.running import until_running

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(300)]

WAIT = {"prefer": "wait=60"}


class Both(NamedTuple):
    """Callers of one organization: in the region `small`, which is one process and carries, and in
    `large`, which is several."""

    small: httpx.Client
    large: httpx.Client


@pytest.fixture(scope="module", params=["by url", pytest.param("by log", marks=pytest.mark.prove)])
def both(
    request: pytest.FixtureRequest,
    kafka_broker: str,
    postgres_server: URL,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Both]:
    """`by log`: what `large` says is read from its topic; and one of its gateways carries, too."""
    by_log = request.param == "by log"
    folder = tmp_path_factory.mktemp("mixed")
    small = RegionalService(folder / "small", "small", more={"carry": True})
    known = {"others": {"small": small.address}, "carry": by_log}
    settings = {"COUNTERMAND_REGION": "large", "COUNTERMAND_REGIONS": json.dumps(known)}
    with members_on(
        kafka_broker, postgres_server, folder / "large", settings, lease_seconds=10.0
    ) as large:
        made = run(["keys", "create", "--org", "default", "--role", "bridge"], large.environment)
        assert made.returncode == 0, made.stderr
        gateway, *_ = large.start("gateway", "executor", "projector")
        there: dict[str, Any] = {"url": gateway.where, "key": made.stdout.strip()}
        if by_log:
            prefix, partitions = large.history.name.removesuffix("-history"), 4
            broker = {"topic_prefix": prefix, "partitions": partitions}
            there["log"] = {"kafka": kafka_broker, "broker": broker}
        small.knows_at({"large": there})
        small.start()
        with small.http(small.made_key("acme", "admin")) as at_small, large.http(gateway) as http:
            yield Both(at_small, http)
        assert small.stop() == 0, small.said()[-4000:]
        assert gateway.stop() == 0, gateway.said()[-4000:]


def test_what_runs_on_the_broker_is_cancelled_from_the_embedded_log(both: Both) -> None:
    both.large.post("/tasks", json={**SLEEP, "id": "on-broker"}).raise_for_status()
    until_running(both.large, "on-broker")

    order = {"region": "large", "reason": "no longer needed"}
    receipt = both.small.post("/tasks/on-broker/cancel", json=order, headers=WAIT)

    assert receipt.status_code == 200, receipt.text
    assert receipt.json()["evidence"] == "acknowledged"
    assert both.large.get("/tasks/on-broker/receipt").json()["why"] == "no longer needed"


def test_what_runs_on_the_embedded_log_is_cancelled_from_the_broker(both: Both) -> None:
    both.small.post("/tasks", json={**SLEEP, "id": "embedded"}).raise_for_status()
    until_running(both.small, "embedded")

    receipt = both.large.post("/tasks/embedded/cancel", json={"region": "small"}, headers=WAIT)

    assert receipt.status_code == 200, receipt.text
    assert receipt.json()["evidence"] == "acknowledged"
    assert both.small.get("/tasks/embedded").json()["status"] == "cancelled"


def test_a_task_moves_from_the_broker_to_the_embedded_log(both: Both) -> None:
    task = {**SLEEP, "id": "roams", "region": "nowhere"}
    both.large.post("/tasks", json=task).raise_for_status()

    asked = both.small.post("/tasks/roams/move", json={"region": "large"})

    assert asked.status_code == 202, asked.text
    where = asked.headers["location"].removeprefix("/countermand/v1")
    assert both.small.get(where, params={"wait": 60}).json()["verdict"] == "effective"
    until_running(both.small, "roams")
    known_there(both.large, "/tasks/roams", lambda task: task["region"] == "small")
    stopped = both.large.post("/tasks/roams/cancel", json={}, headers=WAIT)
    assert stopped.json()["evidence"] == "acknowledged"
