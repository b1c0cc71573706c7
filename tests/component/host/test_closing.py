"""A host ends when it is told to, or when nobody is left; until then it answers."""

import select
from typing import Any

import pytest

from tests.component.host.process import HostProcess, ping, run


@pytest.mark.parametrize("first", ["facts", "sync_returns_soon", None])
def test_a_host_ends_when_the_executor_is_gone(first: str | None) -> None:
    with HostProcess("answering") as host:
        if first is not None:
            host.says(run(first, {"turns": 1}))
            host.hears_all("completed")
        host.hang_up()
        assert host.ends()[0] == 0


@pytest.mark.parametrize(
    ("handler", "payload"), [("waits", {}), ("sync_stops_in", {"where": "a loop"})]
)
def test_a_busy_host_ends_too_when_the_executor_is_gone(
    handler: str, payload: dict[str, Any]
) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler, payload))
        host.hears_all("output")
        host.hang_up()
        assert host.ends()[0] == 0


@pytest.mark.parametrize("first", ["says", "sync_returns_soon", None])
def test_an_idle_host_closes_when_told_to(first: str | None) -> None:
    with HostProcess("answering") as host:
        if first is not None:
            host.says(run(first, {"times": 1, "turns": 1}))
            host.hears_all("completed")
        host.says({"op": "close"})
        assert host.hears() == {}
        assert host.ends()[0] == 0


@pytest.mark.parametrize(
    ("handler", "payload", "end"),
    [
        ("says", {"times": 300}, "completed"),
        ("sync_returns_soon", {"turns": 100_000}, "completed"),
    ],
)
def test_a_busy_host_closes_once_its_runs_have_ended(
    handler: str, payload: dict[str, Any], end: str
) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler, payload), {"op": "close"})
        assert host.hears_all(end)[-1]["run"] == "1"
        assert host.hears() == {}
        assert host.ends()[0] == 0


def test_pings_are_answered_in_every_state() -> None:
    with HostProcess("answering") as host:
        host.says(ping(1))
        assert host.hears() == {"op": "pong", "number": 1}
        host.says(run("waits"), ping(2))
        assert host.hears_all("pong")[-1]["number"] == 2
    with HostProcess("answering") as host:
        host.says(ping(3), run("sync_stops_in", {"where": "a loop"}))
        assert host.hears() == {"op": "pong", "number": 3}
        assert host.hears()["op"] == "output"
        host.says(ping(4))
        assert host.hears() == {"op": "pong", "number": 4}


def test_a_blocked_host_answers_no_ping(host: HostProcess) -> None:
    host.says(run("blocks"))
    assert host.hears()["content"] == "here"
    host.says(ping())
    quiet, _, _ = select.select([host.channel], [], [], 0.2)
    assert quiet == []


def test_what_authors_print_never_reaches_the_channel(host: HostProcess) -> None:
    host.says(run("prints"))
    assert host.hears() == {"op": "completed", "run": "1", "result": None}
    host.says({"op": "close"})
    assert host.hears() == {}
    _, output, errors = host.ends()
    assert output.splitlines() == ['{"op":"completed","run":"1"}', "straight", "from a child"]
    assert "on standard error" in errors
