"""Commands that look at the service itself: what is configured, reachable, lagging; its schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from countermand.cli.exits import Exit
from countermand.cli.options import URL, AsJson, ConfigFile, DataFolder, Key, Url
from countermand.cli.shown import new_console

if TYPE_CHECKING:
    from countermand.client import Client

NEWS_OLD_SECONDS = 60.0
"""A region that can be reached says something every few seconds, if only that nothing happens."""


def doctor(
    data: DataFolder = None,
    config: ConfigFile = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say what is configured, reachable and lagging."""
    from countermand.cli import key_store, serving
    from countermand.cli.malformed import malformed

    settings = serving.configured(config, data)

    def keys() -> str:
        return "has keys" if key_store.listed(settings, None) else "has no key yet"

    found = [
        _looked("control store", keys),
        _looked("malformed records", lambda: malformed(settings)),
        *asyncio.run(_reach(url, key)),
    ]
    if as_json:
        typer.echo(
            json.dumps([{"what": what, "good": good, "says": says} for what, good, says in found])
        )
    else:
        table = Table("", "what", "says", box=None)
        for what, good, says in found:
            table.add_row("ok" if good else Text("BAD", "red"), what, Text(says))
        console = new_console()
        console.print(f"data {settings.data.resolve()}, region {settings.region}")
        console.print(table)
    if not all(good for _, good, _ in found):
        raise typer.Exit(Exit.CONFIGURATION)


def _looked(what: str, says: Callable[[], str]) -> tuple[str, bool, str]:
    try:
        return what, True, says()
    except Exception as error:  # noqa: BLE001 (whatever it is, the doctor reports it)
        return what, False, str(error)


async def _reach(url: str, key: str | None) -> list[tuple[str, bool, str]]:
    import httpx

    from countermand.client import Client, Problem

    found = []
    async with Client(url, key, attempts=1, timeout_seconds=5) as client:
        try:
            ready = await client.ready()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return [("service", False, f"{url}: {error or type(error).__name__}")]
        says = f"{url}: {ready['status']}"
        if ready["lag_entries"] is not None:
            says += f", {ready['lag_entries']} entries behind"
        found.append(("service", ready["status"] == "ready", says))
        if key is None:
            found.append(("your key", True, "none given: set COUNTERMAND_KEY to have it checked"))
            return found
        found += await _regions(client)
        try:
            async for _ in client.tasks(limit=1):
                pass
            found.append(("your key", True, "accepted"))
        except Problem as problem:
            found.append(("your key", False, str(problem)))
    return found


async def _regions(client: Client) -> list[tuple[str, bool, str]]:
    """How old the news of each other region are."""
    from countermand.client import Problem

    try:
        known = await client.regions()
    except Problem:
        return []
    found = []
    for each in known["others"]:
        age = each["age_seconds"]
        says = (
            "nothing was heard of it yet" if age is None else f"its last news came {age:.1f} s ago"
        )
        good = age is not None and age < NEWS_OLD_SECONDS
        if each["trouble"] is not None:
            good, says = False, f"{says}; nothing comes now: {each['trouble']}"
        if each.get("leaving_trouble") is not None:
            good, says = False, f"{says}; nothing leaves for it: {each['leaving_trouble']}"
        found.append((f"region {each['region']}", good, says))
    return found


def schema(
    what: Annotated[str, typer.Argument(help="events, asyncapi or api")] = "events",
    as_json: AsJson = False,
) -> None:
    """Print a schema as JSON, in any case: of each event, of the log for AsyncAPI's tools, of the
    HTTP API. --json: in one line."""
    document: Any
    if what == "events":
        from events.schemas import json_schemas

        document = json_schemas()
    elif what == "asyncapi":
        from importlib.metadata import version

        from events.schemas import asyncapi_document

        document = asyncapi_document(version("countermand"))
    elif what == "api":
        from services.gateway.app import described

        document = described()
    else:
        raise typer.BadParameter("events, asyncapi or api", param_hint="what")
    typer.echo(json.dumps(document, indent=None if as_json else 2))
