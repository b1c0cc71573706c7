"""Webhooks: endpoints added, listed, rotated, removed; what was given up, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from countermand.cli.connection import ask
from countermand.cli.options import URL, AsJson, Key, Url
from countermand.cli.shown import new_console

if TYPE_CHECKING:
    from countermand.client import Client, MadeEndpoint

app = typer.Typer(help="Have events delivered to your own services.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The endpoint's id.")]


@app.command()
def add(
    to: Annotated[str, typer.Argument(help="Where to deliver, https://...")],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A type of events; repeatable. Else all.")
    ] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint, and print its secret: nobody can read it again."""
    made = ask(
        url,
        key,
        lambda client: client.add_webhook(to, types=types, description=description),
        as_json,
    )
    show_made(made, as_json)


@app.command("list")
def list_(url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """List your organization's endpoints, and how deliveries to them go."""
    found = ask(url, key, lambda client: client.webhooks(), as_json)
    if as_json:
        typer.echo(json.dumps(found))
        return
    headings = ("id", "url", "types", "pending", "dead", "last error", "description", "created")
    table = Table(*headings, "rotated", box=None)
    for each in found:
        types = "all" if each["types"] is None else " ".join(each["types"])
        table.add_row(
            each["id"],
            Text(each["url"]),
            types,
            str(each["pending"]),
            str(each["dead"]),
            Text(each["last_error"] or ""),
            Text(each["description"]),
            each["created_at"],
            each["rotated_at"] or "",
        )
    new_console().print(table)


@app.command()
def rotate(
    id: Id,
    overlap_seconds: Annotated[
        float | None, typer.Option(min=0, help="How long the old secret signs, too.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Sign with a new secret, and print it."""
    show_made(
        ask(url, key, lambda c: c.rotate_webhook(id, overlap_seconds=overlap_seconds), as_json),
        as_json,
    )


@app.command()
def remove(id: Id, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Deliver nothing more to an endpoint."""
    say(url, key, as_json, lambda client: client.remove_webhook(id), f"removed {id}")


@app.command()
def dead(
    id: Id,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries that were given up."""

    async def collect(client: Client) -> list[Any]:
        return [each async for each in client.dead_deliveries(id, limit=limit)]

    found = ask(url, key, collect, as_json)
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("event", "type", "position", "attempts", "given up", "why", box=None)
    for each in found:
        table.add_row(
            each["event_id"],
            each["type"],
            each["position"],
            str(each["attempts"]),
            each["died_at"],
            Text(each["last_error"]),
        )
    new_console().print(table)


@app.command()
def redeliver(
    id: Id,
    event: Annotated[
        list[str] | None, typer.Option("--event", help="An event's id; repeatable. Else all.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Send what was given up again."""
    count = ask(url, key, lambda client: client.redeliver(id, event_ids=event), as_json)
    typer.echo(json.dumps({"redelivered": count}) if as_json else f"{count} queued again")


def show_made(made: MadeEndpoint, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(made))
        return
    typer.echo(f"id      {made['id']}\nurl     {made['url']}\nsecret  {made['secret']}")
    typer.echo("        (shown this once)")


def say(
    url: str, key: str | None, as_json: bool, do: Callable[[Client], Awaitable[Any]], text: str
) -> None:
    done = ask(url, key, do, as_json)
    typer.echo(json.dumps(done) if as_json else text)
