"""Clients as the five systems' own documentation shows them, each in its own language."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.commands import REPOSITORY
from tests.e2e.dialects.trying import SITE
from tests.e2e.running import Running

CLIENTS = Path(__file__).parent / "clients"


class Program(NamedTuple):
    """A client, what runs it, and what it prints."""

    file: str
    command: tuple[str, ...]
    says: str


PROGRAMS = [
    Program("xpander.py", (sys.executable,), "200 True\nstopped\n"),
    Program("sigmic.mjs", ("node",), "Task cancelled\ncancelled false\n"),
    Program("crm.mjs", ("node",), "200 cancelled\n409 Task already finished\n"),
    Program(
        "deep_work.sh",
        ("bash",),
        '200\n200\n{"detail":"Cannot cancel project with status \'cancelled\'"}',
    ),
    Program("nico.go", ("go", "run"), "202 Terminated true true\n404 Task not found\n"),
]
SLOW = {"nico.go": [pytest.mark.prove, pytest.mark.timeout(900)]}
"""Compiles the standard library the first time."""
HERE = [
    pytest.param(each, id=each.file, marks=SLOW.get(each.file, []))
    for each in PROGRAMS
    if shutil.which(each.command[0]) and shutil.which("curl")
]
"""Those whose language this machine has."""


def test_what_the_documentation_has_one_try_does_what_it_says(service: Running) -> None:
    text = (REPOSITORY / "docs" / "dialects.md").read_text()
    commands = text.partition("```sh\n")[2].partition("```")[0]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COUNTERMAND_URL": service.url, "COUNTERMAND_KEY": service.key},
    )
    assert done.returncode == 0, done.stderr
    invoked, crm, cancelled, nico, started = map(json.loads, done.stdout.splitlines())
    assert invoked["status"] in ("pending", "executing")
    assert crm["task"]["id"] == invoked["id"]
    assert cancelled["data"] == {"message": "Task cancelled"}
    assert (nico["id"], nico["status"]) == (invoked["id"], "Terminated")
    assert started["project"]["status"] == "planning"


@pytest.mark.parametrize("program", HERE)
def test_a_documented_client_does_its_work_unchanged(service: Running, program: Program) -> None:
    done = subprocess.run(
        [*program.command, str(CLIENTS / program.file), service.url, service.key, SITE],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == program.says
