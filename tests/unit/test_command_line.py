"""What holds for every command: JSON, exit codes that are said, a start without what isn't used."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest
import typer
from typer.core import TyperGroup

from countermand.cli import options
from countermand.cli.app import app
from countermand.cli.exits import EPILOG, Exit
from countermand.cli.given import labels, payload, secrets
from countermand.client import DEFAULT_URL
from tests.e2e.commands import REPOSITORY

HEAVY = ("httpx", "stamina", "structlog", "pydantic", "sqlalchemy", "fastapi", "events")


def commands(group: TyperGroup, words: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{words} {name}")
        else:
            assert isinstance(command, typer.core.TyperCommand)
            yield f"{words} {name}", command


@cache
def all_commands() -> dict[str, typer.core.TyperCommand]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(commands(group, "countermand"))


@pytest.mark.parametrize("words", list(all_commands()))
def test_every_command_answers_scripts_and_explains_itself(words: str) -> None:
    command = all_commands()[words]

    assert "--json" in {option for each in command.params for option in each.opts}
    assert command.help


def test_every_exit_code_is_said() -> None:
    said = EPILOG.removeprefix("Exit codes: ").rstrip(".").split(", ")

    assert [int(each.split()[0]) for each in said] == list(Exit)
    assert app.info.epilog == EPILOG


def test_the_address_is_the_client_s() -> None:
    assert options.URL == DEFAULT_URL


def test_what_only_helps_or_completes_loads_neither_client_nor_services() -> None:
    loaded = "import sys, countermand.cli.app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )

    assert not set(HEAVY) & set(done.stdout.split())


def test_a_name_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("a", "of a secret")

    with pytest.raises(typer.BadParameter, match="'a' is given twice"):
        labels(["a=1", "a=2"])
    with pytest.raises(typer.BadParameter, match="'a' is given twice"):
        secrets(["a", "a"])


def test_a_file_that_is_not_there_is_named_with_what_to_do() -> None:
    said = r"/no/such can't be read \(No such file or directory\): name a file behind the @"

    with pytest.raises(typer.BadParameter, match=said):
        payload("@/no/such")
    with pytest.raises(typer.BadParameter, match=said):
        secrets(["a=@/no/such"])


@pytest.mark.parametrize("text", ["{", "[1]", "1"])
def test_a_payload_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"not JSON|a JSON object"):
        payload(text)
