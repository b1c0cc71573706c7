"""Other regions: how old their news are; and forgetting what was copied of one."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from countermand.cli import shown
from countermand.cli.connection import ask
from countermand.cli.exits import Exit
from countermand.cli.options import URL, AsJson, ConfigFile, DataFolder, Key, Url

if TYPE_CHECKING:
    from countermand.client import Client, RequestAbroad

app = typer.Typer(help="Look at other regions.", no_args_is_help=True)


def move(
    id: Annotated[str, typer.Argument(help="A task that has never run.")],
    region: Annotated[
        str | None, typer.Option(help="Its home now, if that isn't known where you ask.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept in the history.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for its home's verdict.")] = 30,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Bring a task to the region that you ask: it is decided, and runs, there from then on."""

    async def do(client: Client) -> RequestAbroad:
        return await client.move(id, region=region, reason=reason, wait_seconds=wait)

    asked = ask(url, key, do, as_json)
    if as_json:
        typer.echo(json.dumps(asked))
    elif asked["verdict"] == "effective":
        typer.echo(f"{id} has moved here from region {asked['home']['region']}")
    elif asked["verdict"] == "void":
        typer.echo(f"{id} stays in region {asked['home']['region']}: {asked['reason']}")
    else:
        typer.echo(f"asked for; region {asked['home']['region']} hasn't said anything yet")
    if asked["verdict"] == "void":
        raise typer.Exit(Exit.REFUSED)


@app.command("list")
def list_(url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show this region, and how old what is known of each other one is."""
    known = ask(url, key, lambda client: client.regions(), as_json)
    if as_json:
        typer.echo(json.dumps(known))
        return
    table = Table("region", "its last news", "known up to", box=None)
    table.add_row(known["here"], "this one", "")
    for each in known["others"]:
        age = each["age_seconds"]
        heard = "none yet" if age is None else f"{age:.1f} s ago"
        table.add_row(each["region"], heard, each["known_at"] or "")
    shown.new_console().print(table)


@app.command()
def forget(
    region: Annotated[str, typer.Argument(help="Whose copy it is.")],
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Forget what was copied of a region: a bridge brings it again, from the beginning.

    What was accepted for it stays in the log, and what it has decided stays decided there.
    """
    from countermand.cli import key_store, serving
    from services.control_store import region_news

    with key_store.opened(serving.configured(config, data)) as store:
        lines = store.ask_now(partial(region_news.forget, region=region))
    said = {"region": region, "lines": lines}
    typer.echo(json.dumps(said) if as_json else f"{lines} lines of region {region} forgotten")
