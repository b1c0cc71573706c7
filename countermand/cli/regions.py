"""Other regions: how old their news are; and forgetting what was copied of one."""

import json
from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from countermand.cli import shown
from countermand.cli.connection import URL, AsJson, Key, Url, ask
from countermand.cli.service import ConfigFile, DataFolder

app = typer.Typer(help="Look at other regions.", no_args_is_help=True)


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
) -> None:
    """Forget what was copied of a region: a bridge brings it again, from the beginning.

    What was accepted for it stays in the log, and what it has decided stays decided there.
    """
    from countermand.cli import serving
    from services.control_store import open_control_store, region_news

    settings = serving.configured(config, data)
    store = open_control_store(settings.control_store, settings.data)
    try:
        lines = store.ask_now(partial(region_news.forget, region=region))
    finally:
        store.close()
    typer.echo(f"{lines} lines of region {region} forgotten")
