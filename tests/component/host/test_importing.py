"""What a host loads: authors' modules, and of ours what they may see."""

import re
import subprocess
import sys
from pathlib import Path

from tests.component.host.process import (
    PATIENCE_SECONDS,
    ROOT,
    HostProcess,
    failed,
    ping,
    run,
    stop,
)

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
OURS = ("events", "projections", "services", "countermand.client", "countermand.cli", "pydantic")


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


def test_the_first_handler_of_the_docs_runs_as_it_is_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "handlers.md").read_text()
    (tmp_path / "greetings.py").write_text(PYTHON.findall(page)[0])
    with HostProcess("greetings", paths=(tmp_path,)) as host:
        host.says(run("greet", {"name": "Ada"}), run("greet", {}, "2"))
        heard = {each["run"]: each for each in (host.hears(), host.hears(), host.hears())}
        assert heard["1"]["result"] == "Hello, Ada!"
        assert failed(heard["2"], "payload needs 'name'", "payload_refused", permanent=True)


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
