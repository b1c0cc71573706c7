"""What runs say, ask and submit while they run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.component.host.process import HostProcess, ping, run, stop


@pytest.mark.parametrize("handler", ["says", "sync_facts"])
def test_what_a_run_says_comes_before_its_end(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler, {"times": 1000} if handler == "says" else {"name": "x"}))
        *said, last = host.hears_all("completed")
        if handler == "says":
            assert [each["content"]["number"] for each in said[:-2]] == list(range(1000))
            assert [(each["fraction"], each["step"]) for each in said[-2:]] == [
                (0.5, "half"),
                (None, "unknown"),
            ]
        else:
            assert said == [
                {"op": "progress", "run": "1", "fraction": 0.25, "step": "quarter"},
                {"op": "output", "run": "1", "content": "hello"},
            ]
            assert last["result"] == {"name": "x", "main": True}


def test_a_run_waits_while_the_executor_does_not_keep_up(host: HostProcess) -> None:
    host.says(run("floods"), run("prints_later", {"seconds": 0.5}, "2"))
    assert host.process.stdout is not None
    assert host.process.stdout.readline() == "later\n"

    host.says(stop())

    # In all that time it said what there was room for, and can be stopped while it waits.
    _, said = host.process.stdout.readline().split()
    assert int(said) < 2000
    heard = [each for each in host.hears_all("stopped") if each["run"] == "1"]
    assert [each["content"]["number"] for each in heard[:-1]] == list(range(int(said)))


def test_a_run_that_says_much_starves_nobody(host: HostProcess) -> None:
    host.says(run("says", {"times": 100}), run("says", {"times": 100}, "2"), ping())
    heard = [host.hears() for _ in range(207)]
    runs = [each["run"] for each in heard if each["op"] == "output"]
    assert runs == ["1", "2"] * 100


def test_what_cannot_be_said_is_the_handlers_error(host: HostProcess) -> None:
    host.says(run("says_wrongly"))
    refusals = host.hears()["result"]
    assert len(refusals) == 5
    assert refusals[-1] == "progress is a fraction between 0 and 1, not 1.5"


@pytest.mark.parametrize("handler", ["says_no_text", "sync_says_no_text"])
def test_what_is_no_text_is_the_handlers_error(handler: str) -> None:
    """The executor would take it for a spoiled channel, and kill the neighbours with it."""
    with HostProcess("answering") as host:
        host.says(run(handler))
        assert host.hears()["result"] == [
            "a step is a text, not 5",
            "output is a text or a JSON object, not 5",
            "output is a text or a JSON object, not ['a', 'list']",
            "a question is a text, not 5",
        ]


@pytest.mark.parametrize("handler", ["raises", "sync_raises"])
def test_the_author_has_seen_the_error_when_the_outcome_is_heard(handler: str) -> None:
    """With the outcome, an isolated host is killed."""
    with HostProcess("answering") as host:
        host.says(run(handler, {"what": "at length"}))
        with ThreadPoolExecutor() as threads:
            ended = threads.submit(host.ends)
            assert host.hears()["op"] == "failed"
            host.process.kill()
            _, _, errors = ended.result()
    assert errors.endswith("and this is the end\n")


@pytest.mark.parametrize("handler", ["forks", "sync_forks"])
def test_a_fork_does_not_speak_for_its_run(handler: str) -> None:
    with HostProcess("answering") as host:
        host.says(run(handler))
        child = host.hears()["content"]["child"]
        assert host.hears() == {"op": "output", "run": "1", "content": f"{child} has ended"}
        host.says(stop())
        assert host.hears() == {"op": "stopped", "run": "1"}


def test_nothing_is_said_of_a_run_that_has_ended(host: HostProcess) -> None:
    host.says(run("says_too_late"))
    assert host.hears()["op"] == "completed"
    for number in range(10):  # each is a turn of its loop
        host.says(ping(number))
        assert host.hears() == {"op": "pong", "number": number}
    host.says({"op": "close"})
    assert host.hears() == {}
    assert "the run has ended" in host.ends()[1]


def test_a_run_waits_for_approval(host: HostProcess) -> None:
    host.says(run("asks"))
    assert host.hears() == {"op": "waiting", "run": "1", "wait": 1, "question": "first?"}
    host.says({"op": "answer", "run": "1", "wait": 1, "answer": True})
    assert host.hears()["wait"] == 2
    host.says({"op": "answer", "run": "1", "wait": 2, "answer": {"by": "me"}})
    assert host.hears()["result"] == [True, {"by": "me"}]


def test_an_answer_survives_a_re_run(host: HostProcess) -> None:
    host.says(run("asks", answers=["once", None]))
    assert host.hears()["result"] == ["once", None]
    host.says(run("asks", run_id="2", answers=["once"]))
    assert host.hears()["wait"] == 2


def test_a_run_submits_children(host: HostProcess) -> None:
    host.says(run("submits"))
    one, other = host.hears(), host.hears()
    assert one["task"] == {
        "kind": "sleep",
        "payload": {"seconds": 1},
        "name": "one",
        "depends_on": ["x"],
    }
    assert other["task"] == {"kind": "sleep", "payload": {"seconds": 2}}
    # In the other order: each answer finds its call.
    host.says(
        {"op": "submitted", "run": "1", "call": other["call"], "task": "t2"},
        {"op": "submitted", "run": "1", "call": one["call"], "task": "t1"},
    )
    refused = host.hears()
    host.says({"op": "submitted", "run": "1", "call": refused["call"], "error": "no such kind"})
    assert host.hears()["result"] == "t1, t2, no such kind"


def test_a_sync_run_asks_and_submits(host: HostProcess) -> None:
    host.says(run("sync_talks"))
    assert host.hears() == {"op": "waiting", "run": "1", "wait": 1, "question": "sure?"}
    host.says({"op": "answer", "run": "1", "wait": 1, "answer": "yes"})
    child = host.hears()
    assert child["task"] == {"kind": "sleep", "payload": {"seconds": 1}, "name": "child"}
    host.says({"op": "submitted", "run": "1", "call": child["call"], "task": "t1"})
    assert host.hears()["result"] == ["yes", "t1"]
