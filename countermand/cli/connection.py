"""How commands about tasks reach the service, and what they say when it refuses or isn't there."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import stamina
import typer

from countermand.cli import shown
from countermand.cli.exits import Exit
from countermand.client import DEFAULT_URL, Client, Problem

T = TypeVar("T")

Url = Annotated[
    str, typer.Option("--url", envvar="COUNTERMAND_URL", help="Where the service listens.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="COUNTERMAND_KEY", help="An API key.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="The document as JSON, for scripts.")]

URL = DEFAULT_URL


def ask(url: str, key: str | None, do: Callable[[Client], Awaitable[T]], as_json: bool) -> T:
    """The answer of the service, or the end of this command with a reason."""

    stamina.instrumentation.set_on_retry_hooks(())  # what failed for good is said once, below

    async def asked() -> T:
        async with Client(url, key) as client:
            return await do(client)

    try:
        return asyncio.run(asked())
    except Problem as problem:
        if as_json:
            typer.echo(json.dumps(problem.document))
        say_refused(problem)
        raise typer.Exit(Exit.REFUSED) from None
    except httpx.TransportError as error:
        typer.echo(f"no service answers at {url}: {error or type(error).__name__}", err=True)
        raise typer.Exit(Exit.UNREACHABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def say_refused(problem: Problem) -> None:
    typer.echo(str(problem), err=True)
    if problem.receipt is not None:
        shown.new_console(stderr=True).print(shown.receipt(problem.receipt))
    if problem.status == 401:
        typer.echo("Set COUNTERMAND_KEY, or make a key: countermand keys create --help", err=True)


def payload(text: str | None) -> dict[str, Any]:
    """A JSON object, or `@file` that holds one."""
    if text is None:
        return {}
    try:
        if text.startswith("@"):
            with open(text[1:], encoding="utf-8") as file:
                text = file.read()
        value = json.loads(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("a JSON object, e.g. '{\"seconds\": 60}'")
    return value


def secrets(texts: list[str] | None) -> dict[str, str]:
    """Their values are never on the command line, where every user of the machine sees them."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals:
            if name not in os.environ:
                raise typer.BadParameter(f"there is no environment variable {name!r}")
            found[name] = os.environ[name]
        elif value.startswith("@"):
            try:
                found[name] = Path(value[1:]).read_text().rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise typer.BadParameter(f"{value[1:]}: {error}") from None
        else:
            raise typer.BadParameter(f"{name}: write NAME, of a variable, or NAME=@file")
    return found


def pairs(texts: list[str] | None) -> dict[str, str]:
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r}: write name=value")
        found[name] = value
    return found
