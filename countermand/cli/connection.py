"""How commands about tasks reach the service, and what they say when it refuses or isn't there."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from countermand.cli import shown
from countermand.cli.exits import Exit
from countermand.cli.options import URL

if TYPE_CHECKING:
    from countermand.client import Client, Problem

T = TypeVar("T")

"""What the service puts on a read that gave up waiting: up to where it should have read."""


def ask(url: str, key: str | None, do: "Callable[[Client], Awaitable[T]]", as_json: bool) -> T:
    """The answer of the service, or the end of this command with a reason."""
    import asyncio

    import httpx
    import stamina

    from countermand.client import Client, Problem

    check_address(url)
    stamina.instrumentation.set_on_retry_hooks(())  # what failed for good is said once, below
    late: list[str] = []

    async def asked() -> T:
        async with Client(url, key, on_late=late.append) as client:
            return await do(client)

    try:
        answer = asyncio.run(asked())
    except Problem as problem:
        if as_json:
            typer.echo(json.dumps(problem.document))
        say_refused(problem)
        raise typer.Exit(Exit.REFUSED) from None
    except httpx.TransportError as error:
        say_unreachable(url, str(error) or type(error).__name__)
        raise typer.Exit(Exit.UNREACHABLE) from None
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None
    if late:
        say_late(late[-1], as_json)
    return answer


def check_address(url: str) -> None:
    """Refuses at once what no service can be at."""
    import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        text = f"{url!r} is no address of a service: write it as {URL}"
        raise typer.BadParameter(text, param_hint="--url")


def say_refused(problem: "Problem") -> None:
    typer.echo(str(problem), err=True)
    if problem.receipt is not None:
        shown.new_console(stderr=True).print(shown.receipt(problem.receipt))
    if problem.status == 401:
        typer.echo("Set COUNTERMAND_KEY, or make a key: countermand keys create --help", err=True)


def say_unreachable(url: str, why: str) -> None:
    typer.echo(
        f"no service answers at {url}: {why}. Start one (countermand up), or say where it is with "
        "--url or COUNTERMAND_URL",
        err=True,
    )


def say_late(frontier: str, as_json: bool) -> None:
    """On stderr, as the document itself is the service's; to scripts as JSON, too."""
    text = (
        f"this may be older than what you were told before: what is shown doesn't reach {frontier} "
        "yet, and the service gave up waiting. Ask again, or look at countermand doctor"
    )
    typer.echo(json.dumps({"behind": frontier, "detail": text}) if as_json else text, err=True)
