"""How runs end by themselves, and what keeps them from beginning."""

from typing import Any

import pytest

from tests.component.host.process import HostProcess, failed, ping, run


def test_a_run_knows_its_task(host: HostProcess) -> None:
    deadline = "2026-11-21T10:00:00+00:00"
    host.says(
        run(
            "facts",
            {"a": 1},
            deadline=deadline,
            labels={"gpu": "yes"},
            secrets={"token": "s3cret"},
            attempt=3,
        )
    )

    result = host.hears()["result"]

    assert "s3cret" not in result.pop("shown")
    assert result == {
        "task": "task-1",
        "run": "1",
        "attempt": 3,
        "payload": {"a": 1},
        "labels": {"gpu": "yes"},
        "deadline": deadline,
        "secrets": {"token": "s3cret"},
    }


def test_a_dataclass_is_made_of_the_payload(host: HostProcess) -> None:
    host.says(run("wanted", {"name": "a", "count": 2}))
    assert host.hears()["result"] == ["a", "a"]


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({}, "payload needs 'name'"),
        ({"name": "a", "other": 1}, "payload has no 'other'"),
        ({"name": 1}, "payload.name must be a text, not 1"),
        ({"name": "a", "count": True}, "payload.count must be a whole number, not True"),
    ],
)
@pytest.mark.parametrize("handler", ["wanted", "sync_facts"])
def test_a_refused_payload_fails_the_run_for_good(
    handler: str, payload: dict[str, Any], error: str
) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler, payload))
        assert failed(host.hears(), error, "payload_refused", permanent=True)


def test_an_unknown_handler_fails_the_run_for_good(host: HostProcess) -> None:
    host.says(run("nobody"))
    assert failed(
        host.hears(), "no handler 'nobody' in this host", "unknown_handler", permanent=True
    )


def test_a_sync_handler_never_runs_in_a_shared_host(host: HostProcess) -> None:
    host.says(run("waits"), run("sync_raises", run_id="2"))
    heard = {each["run"]: each for each in (host.hears(), host.hears())}
    assert failed(heard["2"], "needs a host of its own", "wrong_host", permanent=False)


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("not a number", "the result can't be JSON"),
        ("an object", "the result can't be JSON"),
        ("a set", "the result can't be JSON"),
        ("half a character", "isn't Unicode"),
        ("too much", "the result is 1000002 bytes as JSON, more than 1000000"),
    ],
)
def test_a_result_that_cannot_be_kept_fails_the_run_for_good(
    host: HostProcess, what: str, error: str
) -> None:
    host.says(run("returns", {"what": what}))
    assert failed(host.hears(), error, "unsayable_result", permanent=True)


def test_the_limit_of_a_result_can_be_set() -> None:
    with HostProcess("answering", options=["--result-limit-bytes", "10"]) as host:
        host.says(run("returns", {"what": "a whole character"}), run("facts", run_id="2"))
        assert host.hears()["result"] == "\U0001f6d1"
        assert failed(host.hears(), "more than 10", "unsayable_result", permanent=True)


@pytest.mark.parametrize(
    ("what", "error", "error_type", "permanent"),
    [
        ("an error", "ValueError: this ? went wrong", "ValueError", False),
        ("for good", "never try again", "PermanentFailure", True),
        ("several", "ValueError: one; KeyError: 'other'", "ExceptionGroup", False),
        ("no text", "AssertionError", "AssertionError", False),
        ("what stops sync ones", "by itself", "TaskStopped", False),
    ],
)
def test_a_handler_that_raises_fails_the_run(
    host: HostProcess, what: str, error: str, error_type: str, permanent: bool
) -> None:
    host.says(run("raises", {"what": what}))
    assert failed(host.hears(), error, error_type, permanent=permanent)


def test_a_handler_that_cancels_itself_has_failed(host: HostProcess) -> None:
    host.says(run("cancels_itself"))
    assert failed(host.hears(), "cancelled itself", "CancelledError", permanent=False)


@pytest.mark.parametrize("handler", ["exits", "sync_exits"])
def test_a_handler_that_exits_ends_only_its_run(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler))
        assert host.hears()["op"] == "failed"
        host.says(ping())
        assert host.hears() == {"op": "pong", "number": 1}
