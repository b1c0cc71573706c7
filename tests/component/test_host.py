"""Real host processes: every run is reported exactly once, whatever its handler does."""

import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.component.host_process import PATIENCE_SECONDS, ROOT, HostProcess, ping, run, stop

OURS = ("events", "projections", "services", "countermand.client", "countermand.cli", "pydantic")


@pytest.fixture
def host() -> Iterator[HostProcess]:
    with HostProcess("answering") as host:
        yield host


def failed(heard: dict[str, Any], error: str, error_type: str, *, permanent: bool) -> bool:
    return (
        heard["op"] == "failed"
        and error in heard["error"]
        and heard["type"] == error_type
        and heard["permanent"] is permanent
    )


# ── its life ──────────────────────────────────────────────────────────────────────────────────────


def test_a_host_says_what_it_found(host: HostProcess) -> None:
    assert host.ready["op"] == "ready"
    assert host.ready["problems"] == []
    found = host.ready["handlers"]
    assert found["facts"] == {
        "mode": "async",
        "isolated": False,
        "secrets": ["token"],
        "stop_within_seconds": 2.5,
    }
    assert found["sync_facts"]["mode"] == "sync"
    assert found["sync_facts"]["isolated"] is True


def test_a_module_that_cannot_be_imported_harms_no_other(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from countermand import handler\n"
        "@handler('half')\n"
        "async def half(context): ...\n"
        "import not_there\n"
    )
    (tmp_path / "leaving.py").write_text("import sys; sys.exit('no licence')\n")
    (tmp_path / "double.py").write_text(
        "from countermand import handler\n@handler('facts')\nasync def f(context): ...\n"
    )
    (tmp_path / "strange.py").write_text(
        "from countermand import handler\n@handler('x')\n"
        "async def f(context, payload: 'Lost'): ...\n"
    )
    modules = ("broken", "answering", "leaving", "double", "strange", "nowhere")

    with HostProcess(*modules, paths=(tmp_path, ROOT / "tests" / "authors")) as host:
        problems = {each["module"]: each["error"] for each in host.ready["problems"]}
        assert problems.keys() == {"broken", "leaving", "double", "strange", "nowhere"}
        assert problems["broken"].endswith("ModuleNotFoundError: No module named 'not_there'")
        assert "broken.py" in problems["broken"]
        assert problems["leaving"].endswith("SystemExit: no licence")
        assert "two handlers are named 'facts'" in problems["double"]
        assert "name 'Lost' is not defined" in problems["strange"]
        assert "half" not in host.ready["handlers"]
        assert "x" not in host.ready["handlers"]

        host.says(run("facts"))
        assert host.hears()["op"] == "completed"


def test_of_ours_a_host_loads_only_what_authors_import(host: HostProcess) -> None:
    host.says(run("modules"))

    loaded = host.hears()["result"]

    assert [name for name in loaded if name.startswith(OURS)] == []
    strangers = {
        name.split(".")[0]
        for name in loaded
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("_")
    }
    assert strangers <= {"answering", "countermand", "sitecustomize", "usercustomize"}


def test_of_ours_nothing_else_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "curious.py").write_text("import countermand.client\n")
    (tmp_path / "nosy.py").write_text("import context\n")
    python = bare_environment(tmp_path)

    with HostProcess("curious", "nosy", paths=(tmp_path,), python=[python]) as host:
        errors = [each["error"].splitlines()[-1] for each in host.ready["problems"]]

    assert errors == [
        "ModuleNotFoundError: No module named 'countermand.client'",
        "ModuleNotFoundError: No module named 'context'",
    ]


def test_authors_may_name_their_modules_as_we_name_ours(tmp_path: Path) -> None:
    text = "from countermand import handler\n@handler('{0}')\nasync def f(context): return '{0}'\n"
    for name in ("words", "host", "hosting", "context"):
        (tmp_path / f"{name}.py").write_text(text.format(name))

    with HostProcess("words", "host", "hosting", "context", paths=(tmp_path,)) as host:
        assert host.ready["problems"] == []
        host.says(run("words"))
        assert host.hears()["result"] == "words"


def bare_environment(folder: Path) -> str:
    """Another virtual environment's interpreter, with nothing installed."""
    target = folder / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(target)],
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return str(target / "bin" / "python")


def test_the_interpreter_may_be_another_environments(tmp_path: Path) -> None:
    python = bare_environment(tmp_path)
    with HostProcess("answering", python=[python], cwd=tmp_path) as host:
        host.says(run("modules"))
        assert "answering" in host.hears()["result"]


def test_the_interpreter_may_be_isolated() -> None:
    with HostProcess("answering", python=[sys.executable, "-I"]) as host:
        host.says(run("facts"))
        assert host.hears()["op"] == "completed"


def test_a_payload_may_be_a_pydantic_model(tmp_path: Path) -> None:
    (tmp_path / "modelled.py").write_text(
        "from __future__ import annotations\n"
        "from pydantic import BaseModel\n"
        "from countermand import TaskContext, handler\n"
        "class Order(BaseModel):\n"
        "    amount: int\n"
        "@handler('order')\n"
        "async def order(context: TaskContext, payload: Order) -> int:\n"
        "    return payload.amount + 1\n"
    )
    with HostProcess("modelled", paths=(tmp_path,)) as host:
        host.says(run("order", {"amount": 1}), run("order", {"amount": "many"}, "2"))
        heard = {each["run"]: each for each in (host.hears(), host.hears())}
        assert heard["1"]["result"] == 2
        assert failed(heard["2"], "amount", "payload_refused", permanent=True)


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


# ── how runs end ──────────────────────────────────────────────────────────────────────────────────


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


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────


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


# ── what runs say ─────────────────────────────────────────────────────────────────────────────────


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


# ── the samples ───────────────────────────────────────────────────────────────────────────────────


def test_the_samples_do_what_they_say() -> None:
    with HostProcess("countermand.handlers.samples", paths=()) as host:
        assert host.ready["handlers"].keys() == {"sleep", "stubborn", "count", "fail", "rehearse"}
        host.says(run("count", {"every_ms": 1, "times": 2}))
        counted = host.hears_all("completed")
        assert [each["content"] for each in counted if each["op"] == "output"] == [
            {"count": 1},
            {"count": 2},
        ]
        host.says(run("sleep", {"seconds": 600}, "2"), stop("2"))
        assert host.hears() == {"op": "stopped", "run": "2"}
        host.says(run("fail", {"message": "on purpose"}, "3"))
        assert failed(host.hears(), "on purpose", "Failed", permanent=False)
        host.says(run("stubborn", {"seconds": 0.2}, "4"), ping())
        assert host.hears()["op"] == "pong"
        assert host.hears()["op"] == "progress"
        host.says(stop("4"), stop("4"))
        assert host.hears()["result"] == {"slept_seconds": 0.2, "requests_ignored": 1}
        host.says(run("count", {"every_ms": 1}, "5"))
        assert host.hears()["content"] == {"count": 1}
        host.says(stop("5"))
        assert host.hears_all("stopped")[-1]["run"] == "5"
