"""How tests come by a broker and a database: an address that is given, what is installed, or a
skip with what to install, which `.ci/run` doesn't accept."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster import system
from cluster.system import JAVA, Program, Unavailable, find_java, provide
from tests.unit.inner_session import ROOT, inner_session

NOTHING_TO_BE_HAD = """
import cluster.broker, cluster.postgres
from cluster.system import JAVA, POSTGRES, Unavailable

def provide(*programs):
    raise Unavailable("missing: " + programs[0].name)

cluster.broker.provide = cluster.postgres.provide = provide

"""
ASKS = {
    "COUNTERMAND_KAFKA": (
        "def test_it(kafka_broker): assert kafka_broker == 'there:9092'",
        "there:9092",
        "missing: Java",
    ),
    "COUNTERMAND_POSTGRES": (
        "def test_it(postgres_server): assert postgres_server.host == 'there'",
        "postgresql://who:what@there:5432/where",
        "missing: PostgreSQL",
    ),
}


def session(
    folder: Path, body: str, environment: dict[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return inner_session(
        folder, "tests.brokers", NOTHING_TO_BE_HAD + body, environment, ["-rs", *arguments]
    )


@pytest.mark.parametrize("variable", ASKS)
def test_an_address_that_is_given_is_used_and_nothing_is_started(
    tmp_path: Path, variable: str
) -> None:
    body, address, _ = ASKS[variable]
    done = session(tmp_path, body, {variable: address})
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("variable", ASKS)
def test_where_nothing_can_be_had_the_test_is_skipped_with_the_reason(
    tmp_path: Path, variable: str
) -> None:
    body, _, reason = ASKS[variable]
    done = session(tmp_path, body, {})
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert reason in done.stdout


@pytest.mark.parametrize("variable", ASKS)
def test_that_skip_fails_the_session_where_nothing_may_be_skipped(
    tmp_path: Path, variable: str
) -> None:
    body, _, reason = ASKS[variable]
    done = session(tmp_path, body, {"COUNTERMAND_NO_SKIPS": "1"}, "-p", "tests.no_skips")
    assert done.returncode == 1, done.stdout
    assert reason in done.stdout.split("skipped, and nothing may be")[1]


def test_ci_refuses_skips_and_ends_at_the_first_failure(tmp_path: Path) -> None:
    """It runs `make`, which here only says what it was asked, and fails at the tests."""
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$1 no_skips=$COUNTERMAND_NO_SKIPS"\n[ "$1" != "$FAILS" ]\n')
    make.chmod(0o755)

    def ci(fails: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAILS": fails}
        return subprocess.run(
            [ROOT / ".ci/run"], env=environment, capture_output=True, text=True, timeout=30
        )

    good = ci("nothing")
    assert good.returncode == 0, good.stderr
    targets = ["system", "check", "test", "prove"]
    assert good.stdout.splitlines() == [f"{each} no_skips=1" for each in targets]
    bad = ci("test")
    assert bad.returncode != 0
    assert bad.stdout.splitlines() == [f"{each} no_skips=1" for each in targets[:3]]


# What is installed, and how it gets there.


class Machine:
    """One that apt-get can change, or can't: a program that is there or not."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = folder / "asked"
        self.program_file = folder / "program"
        self.program = Program(
            "A Program",
            "a-package",
            lambda: self.program_file if self.program_file.exists() else None,
        )
        self._apt_get = folder / "apt-get"
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        self.apt_get("true")

    def apt_get(self, does: str) -> None:
        self._apt_get.write_text(f'#!/bin/sh\necho "$@" >> {self.asked}\n{does}\n')
        self._apt_get.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(system, "may_install", lambda: True)
    return Machine(tmp_path, monkeypatch)


def test_what_is_there_is_not_installed(machine: Machine) -> None:
    machine.program_file.touch()
    provide(machine.program)
    assert not machine.asked.exists()


def test_who_may_not_install_is_told_what_to_install(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "may_install", lambda: False)
    with pytest.raises(Unavailable) as refused:
        provide(machine.program)
    assert str(refused.value) == ("missing: A Program. On Debian: sudo apt-get install a-package")
    assert not machine.asked.exists()


def test_what_is_missing_is_installed_from_fresh_lists(machine: Machine) -> None:
    machine.apt_get(f'case "$*" in *a-package) touch {machine.program_file};; esac')
    provide(machine.program)
    assert [line.split()[1] for line in machine.asked.read_text().splitlines()] == [
        "update",
        "install",
    ]


def test_an_installation_that_fails_says_its_last_words(machine: Machine) -> None:
    machine.apt_get('echo "E: no network" >&2; exit 100')
    with pytest.raises(Unavailable, match="apt-get update failed: E: no network"):
        provide(machine.program)


def test_an_installation_that_helps_nothing_is_told(machine: Machine) -> None:
    with pytest.raises(Unavailable, match="installed a-package, and still can't find A Program"):
        provide(machine.program)


@pytest.mark.parametrize(
    ("version", "good"), [("11.0.2", False), ("1.8.0_392", False), ("17.0.1", True), ("21", True)]
)
def test_java_is_taken_from_its_home_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, good: bool
) -> None:
    java = tmp_path / "bin/java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == (java if good else None)


def test_a_home_without_java_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(system, "may_install", lambda: False)
    with pytest.raises(Unavailable, match="Java 17 or newer"):
        provide(JAVA)
