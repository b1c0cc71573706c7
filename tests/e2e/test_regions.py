"""Two regions as real processes: cancel here what runs there."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.e2e.regions import RegionalService, RunningBridge
from tests.e2e.running import until_running


class Pair(NamedTuple):
    """Two regions, and the bridge of the second one."""

    a: RegionalService
    b: RegionalService
    bridge: RunningBridge


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("regions")
    a = RegionalService(folder / "a", "a", ["b"])
    b = RegionalService(folder / "b", "b", ["a"])
    a.start()
    b.start()
    bridge = RunningBridge(b, [a])
    bridge.start()
    yield Pair(a, b, bridge)
    assert bridge.stop() == 0, bridge.said()[-4000:]
    assert b.stop() == 0, b.said()[-4000:]
    assert a.stop() == 0, a.said()[-4000:]


def test_what_runs_there_is_cancelled_here(pair: Pair) -> None:
    with pair.a.http() as at_a, pair.b.http() as at_b:
        at_a.post("/tasks", json={"kind": "sleep", "id": "far", "payload": {"seconds": 600}})
        until_running(at_a, "far")

        accepted = at_b.post(
            "/tasks/far/cancel",
            json={"region": "a", "reason": "no longer needed"},
            headers={"prefer": "respond-async"},
        )

        assert accepted.status_code == 202
        receipt = accepted.json()
        assert (receipt["verdict"], receipt["home"]["region"]) == ("undecided", "a")
        where = f"/tasks/far/receipt?event_id={receipt['event_id']}&wait=30"
        shown = at_b.get(where).json()
        assert (shown["verdict"], shown["status"]) == ("effective", "cancelled")
        assert shown["evidence"] == "acknowledged"
        there = at_a.get("/tasks/far/receipt").json()
        assert shown["home"]["event_id"] == there["event_id"]
        assert shown["home"]["position"] == there["position"]
        assert shown["position"] == receipt["position"]
        assert shown["stopped_at"] == there["stopped_at"]
