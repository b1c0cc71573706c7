"""One service of several, in a process of its own, on Kafka and PostgreSQL. Loads the services."""

import asyncio
import json
from importlib import import_module

import typer
from rich.console import Console

from countermand.cli.exits import Exit
from countermand.cli.serving import rest_from_collecting, run, say_up
from events.errors import CountermandError
from services.logging import set_up_logging
from services.settings import Settings


def serve(name: str, settings: Settings, *, as_json: bool) -> None:
    """Until a signal says to stop, or something is wrong for good."""
    set_up_logging(settings)

    def say_started(where: str) -> None:
        rest_from_collecting()
        say_up(name, where, as_json)

    # Only what this service needs is loaded: starting is a part of failing over.
    run(import_module(f"services.on_kafka.{name}").serve, settings, say_started)


def migrate(settings: Settings, *, as_json: bool) -> None:
    from services.migration import Migrated
    from services.on_kafka.migrating import migrate_folder

    if not (settings.data / "history.sqlite").exists():
        typer.echo(f"there is no log in {settings.data}: name the folder with --data", err=True)
        raise typer.Exit(Exit.USAGE)
    done: list[Migrated] = []
    with Console(stderr=True).status("copying") as status:
        copied = 0

        def tell(records: int) -> None:
            nonlocal copied
            copied += records
            status.update(f"{copied} records")

        try:
            done = asyncio.run(migrate_folder(settings, tell))
        except CountermandError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(Exit.CONFIGURATION) from None
    for each in done:
        if as_json:
            typer.echo(json.dumps(each._asdict()))
        else:
            typer.echo(f"{each.stream}: {each.records} records, digest {each.digest}")
