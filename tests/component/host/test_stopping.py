"""A run that is asked to stop knows why, and is reported once."""

import pytest

from tests.component.host.process import HostProcess, failed, ping, run, stop


def test_a_run_knows_why_it_is_stopped_before_it_is(host: HostProcess) -> None:
    host.says(run("waits"))
    assert host.hears()["content"] == "here"

    host.says(stop(why="deadline", reason="too slow"))

    assert host.hears()["content"] == {
        "why": "deadline",
        "reason": "too slow",
        "grace_seconds": 3.0,
    }
    assert host.hears() == {"op": "stopped", "run": "1"}


@pytest.mark.parametrize("handler", ["waits", "sync_stops_in"])
def test_a_run_that_is_stopped_before_its_first_step_is_reported(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler, {"where": "a loop"}), stop())
        *before, last = host.hears_all("stopped")
        assert last == {"op": "stopped", "run": "1"}
        if handler == "waits":
            assert before == []
        host.says(ping())
        assert host.hears() == {"op": "pong", "number": 1}


def test_a_sync_run_that_waits_for_its_turn_can_be_stopped(host: HostProcess) -> None:
    host.says(run("sync_stops_in", {"where": "a loop"}))
    assert host.hears()["content"] == "here"
    host.says(run("sync_facts", {"name": "x"}, "2"), stop("2"), stop("1"))
    heard = [host.hears() for _ in range(3)]
    assert heard[1:] == [{"op": "stopped", "run": "1"}, {"op": "stopped", "run": "2"}]


@pytest.mark.parametrize("handler", ["swallows", "sync_swallows"])
def test_a_run_that_returns_after_being_asked_has_completed(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler))
        assert host.hears()["content"] == "here"
        host.says(stop())
        assert host.hears() == {
            "op": "completed",
            "run": "1",
            "result": "finished all the same",
        }


@pytest.mark.parametrize("handler", ["breaks_when_stopped", "sync_breaks_when_stopped"])
def test_a_run_that_raises_after_being_asked_has_failed(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler))
        assert host.hears()["content"] == "here"
        host.says(stop())
        assert failed(host.hears(), "cleaning up went wrong", "ValueError", permanent=False)


def test_being_asked_again_does_not_interrupt_the_cleaning_up(host: HostProcess) -> None:
    host.says(run("cleans_up"))
    assert host.hears()["content"] == "here"
    host.says(stop(why="shutdown"))
    assert host.hears()["content"] == "cleaning"
    assert host.hears()["op"] == "waiting"
    host.says(stop(), {"op": "answer", "run": "1", "wait": 1, "answer": "yes"})
    assert host.hears()["content"] == {"answered": "yes"}
    assert host.hears() == {"op": "stopped", "run": "1"}


def test_a_stop_for_a_run_that_has_ended_says_nothing(host: HostProcess) -> None:
    host.says(run("returns", {"what": "nothing"}))
    assert host.hears()["op"] == "completed"
    host.says(stop(), {"op": "answer", "run": "1", "wait": 1, "answer": 1}, ping())
    assert host.hears()["op"] == "pong"


def test_a_stop_hits_its_run_alone(host: HostProcess) -> None:
    host.says(*(run("waits", run_id=str(number)) for number in range(100)))
    for _ in range(100):
        assert host.hears()["content"] == "here"
    host.says(*(stop(str(number)) for number in range(0, 100, 2)))
    stopped = {
        each["run"] for each in (host.hears() for _ in range(100)) if each["op"] == "stopped"
    }
    assert stopped == {str(number) for number in range(0, 100, 2)}
    host.says(ping())
    assert host.hears()["op"] == "pong"


@pytest.mark.parametrize("where", ["a sleep", "a loop", "a lock", "a question", "a flood"])
def test_a_sync_run_is_stopped_wherever_it_is(host: HostProcess, where: str) -> None:
    host.says(run("sync_stops_in", {"where": where}))
    host.hears()
    host.says(stop(reason="now"))
    *_, why, last = host.hears_all("stopped")
    assert why["content"] == {"why": "request", "reason": "now"}
    assert last == {"op": "stopped", "run": "1"}


def test_a_sync_run_that_returns_while_it_is_stopped_is_reported_once_with_its_result(
    host: HostProcess,
) -> None:
    ends = set()
    for number in range(300):
        run_id = str(number)
        host.says(run("sync_returns_soon", {"turns": number % 30}, run_id))
        assert host.hears()["content"] == "here"
        host.says(stop(run_id), ping(number))
        heard = [host.hears(), host.hears()]
        [end] = [each for each in heard if each["op"] != "pong"]
        assert end["run"] == run_id
        assert end["op"] == "stopped" or end["result"] == 42
        ends.add(end["op"])
    assert ends <= {"stopped", "completed"}
