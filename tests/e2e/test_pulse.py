"""The pulse over real HTTP, in the command line and the client; what a restart keeps of it."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.asking import running
from tests.e2e.members import until
from tests.e2e.running import Running


def stopped(http: httpx.Client, kind: str = "sleep", **more: Any) -> str:
    task_id = running(http, kind, **more)
    answer = http.post(f"/tasks/{task_id}/cancel", headers={"prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    return task_id


def counted(shown: Any, window: str = "15m") -> dict[str, int]:
    evidence: dict[str, int] = shown["windows"][window]["evidence"]
    return evidence


def overran(http: httpx.Client) -> int:
    counted: int = http.get("/pulse").json()["windows"]["24h"]["overran"]
    return counted


async def test_what_has_stopped_is_timed_by_handler_and_seen_by_its_organization_only(
    service: Running,
) -> None:
    key = service.new_key("timed", "operator")
    with service.http(key) as http, service.http(service.new_key("others", "auditor")) as others:
        for _ in range(3):
            stopped(http)
        async with service.client(key) as client:
            shown = await client.pulse()
        (group,) = shown["groups"]
        took = group["windows"]["1m"]["phases"]["requested_to_stopped"]

        assert (group["organization"], group["kind"], group["region"]) == (
            "timed", "sleep", "local",
        )  # fmt: skip
        assert counted(shown) == {"acknowledged": 3}
        assert took["count"] == 3
        assert 0 < (took["p50"] or 0) <= (took["p95"] or 0) <= (took["p99"] or 0) < 10
        assert shown["executors"]["alive"] == 1
        assert counted(others.get("/pulse").json()) == {}


def test_an_overrun_is_in_the_history_and_counted(service: Running) -> None:
    with service.http(service.new_key("overrun", "operator")) as http:
        task_id = stopped(http, "stubborn", grace_seconds=0.3, stop_within_seconds=0.1)
        lines = http.get(f"/tasks/{task_id}/history").json()["items"]
        said = [each for each in lines if each["event"]["type"] == "countermand.cancel.overran.v1"]

        assert [each["verdict"] for each in said] == ["noted"]
        assert said[0]["event"]["data"]["stop_within_seconds"] == 0.1
        assert http.get("/pulse").json()["windows"]["1m"]["overran"] == 1


def test_the_command_line_shows_it(service: Running) -> None:
    with service.http() as http:
        stopped(http)

    as_json = json.loads(service.run("pulse", "--json"))
    shown = service.run("pulse", "--once")

    assert counted(as_json)["acknowledged"] >= 1
    assert "0 overdue" in shown
    assert "requested → stopped" in shown
    assert "sleep" in shown


def test_the_command_line_gives_a_task_its_budget(service: Running) -> None:
    service.run("submit", "sleep", "--id", "on-budget", "--stop-within-seconds", "2.5")
    with service.http() as http:
        submitted, *_ = http.get("/tasks/on-budget/history").json()["items"]
        http.post("/tasks/on-budget/cancel")

    assert submitted["event"]["data"]["stop_within_seconds"] == 2.5


def test_a_pulse_needs_the_permission_to_look(service: Running) -> None:
    assert httpx.get(service.url + "/countermand/v1/pulse").status_code == 401


def test_after_a_crash_the_last_day_is_counted_again(folder: Path) -> None:
    own = Running(folder)
    own.start()
    with own.http() as http:
        stopped(http)
        stopped(http, "stubborn", grace_seconds=0.5, stop_within_seconds=0.1)
        until(lambda: overran(http) == 1 and len(counted(http.get("/pulse").json(), "24h")) == 2)
        before = http.get("/pulse").json()
        live = running(http, "sleep")
    own.kill()
    own.start()
    try:
        with own.http() as http:
            after = http.get("/pulse").json()
            assert counted(after, "24h") == counted(before, "24h") == {
                "acknowledged": 1, "killed": 1,
            }  # fmt: skip
            assert (
                after["groups"][0]["windows"]["24h"]["phases"]
                == (before["groups"][0]["windows"]["24h"]["phases"])
            )
            assert overran(http) == 1
            assert http.get(f"/tasks/{live}").status_code == 200
    finally:
        own.stop()
