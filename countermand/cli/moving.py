"""Commands that take data out and in: export and import, backup and restore."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from countermand.cli.connection import ask
from countermand.cli.exits import Exit
from countermand.cli.options import URL, AsJson, ConfigFile, DataFolder, Key, Url

if TYPE_CHECKING:
    from countermand.client import Client

BEGINNING = "0:0"


def export(
    file: Annotated[Path, typer.Argument(help="What is there already is kept: it goes on.")],
    format: Annotated[str, typer.Option(help="jsonl or csv")] = "jsonl",
    task: str | None = None,
    project: str | None = None,
    actor: Annotated[str | None, typer.Option(help="kind:id")] = None,
    type: Annotated[list[str] | None, typer.Option(help="Event types; repeatable.")] = None,
    verdict: str | None = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Write your organization's history into a file; run it again after a crash, and it goes on."""
    from countermand.cli import earlier_export
    from countermand.client import read_positions, written_positions
    from services.export_closing import Counted

    if format not in ("jsonl", "csv"):
        raise typer.BadParameter("jsonl or csv", param_hint="--format")
    kind: earlier_export.Format = "csv" if format == "csv" else "jsonl"
    where = {"task": task, "project": project, "actor": actor, "type": type, "verdict": verdict}
    given: dict[str, Any] = {name: value for name, value in where.items() if value}
    counted = Counted()
    with refusing():
        try:
            earlier_export.keep_filters(file, given)
            behind = earlier_export.whole_rows(file, kind, counted.add)
        except earlier_export.NoExport:
            text = f"{file} isn't an export as {format}, and stays as it is: name another file"
            raise typer.BadParameter(text, param_hint="file") from None
        except earlier_export.OtherFilters:
            text = f"{file} was begun with other filters: give the same ones, or name another file"
            raise typer.BadParameter(text, param_hint="file") from None
    bar = progress(MofNCompleteColumn(), as_json)

    async def write(client: Client) -> int:
        rows = 0
        with bar, file.open("ab") as out:
            line = bar.add_task("exporting", total=None)
            start = written_positions(behind)
            async for row in client.export(format=kind, start=start, **given):
                if kind == "jsonl" and row.position is None:  # closes what came now: not all of it
                    out.write(counted.closing(BEGINNING, row.end, given))
                    continue
                out.write(row.data)
                counted.add(row.data)
                if row.position is None:  # the names of the columns
                    continue
                rows += 1
                ((partition, offset),) = read_positions(row.position).items()
                behind[partition] = offset + 1
                if rows % 500 == 0:
                    end = sum(read_positions(row.end).values())
                    bar.update(line, total=end, completed=sum(behind.values()))
            end = sum(behind.values())
            bar.update(line, total=end, completed=end)
        return rows

    with refusing():
        rows = ask(url, key, write, as_json)
    said = {"file": str(file), "rows": rows, "frontier": written_positions(behind)}
    typer.echo(json.dumps(said) if as_json else f"{rows} rows in {file}")


def import_(
    files: Annotated[list[Path], typer.Argument(help="Exports as JSON Lines.", exists=True)],
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the log of a new data folder from exports: the same bytes, in their order."""
    from countermand.cli import serving
    from services.importing import import_history

    settings = serving.configured(config, data)
    bar = progress(DownloadColumn(), as_json)
    with refusing(), bar, ExitStack() as opened:
        line = bar.add_task("importing", total=sum(file.stat().st_size for file in files))
        each = [(str(file), opened.enter_context(file.open("rb"))) for file in files]
        done = import_history(each, settings.data, lambda size: bar.advance(line, size))
    text = f"{done.events} events, digest {done.digest}"
    typer.echo(json.dumps(done._asdict()) if as_json else text)


def backup(
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    with_secret_keys: Annotated[
        bool, typer.Option(help="Also the keys of live tasks' secrets, which outlive the tasks.")
    ] = False,
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy log, control store and settings, while the service runs."""
    from countermand.cli import serving
    from services.backup import back_up
    from services.world import real_world

    settings = serving.configured(config, data)
    bar = progress(MofNCompleteColumn(), as_json)
    with refusing(), bar:
        made = back_up(
            settings,
            config,
            target,
            real_world().now(),
            shown(bar),
            with_secret_keys=with_secret_keys,
        )
    typer.echo(made.model_dump_json() if as_json else f"{made.events} events in {target}")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup.", exists=True, file_okay=False)],
    data: DataFolder = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a new data folder of a backup, if every byte of it is as it was; say which settings are
    others now."""
    from countermand.cli import serving
    from services.backed_up_settings import differing
    from services.backup import CONFIGURATION, restore

    settings = serving.configured(config, data)
    bar = progress(MofNCompleteColumn(), as_json)
    with refusing(), bar:
        made = restore(source, settings.data, shown(bar))
    if not as_json:
        typer.echo(f"{made.events} events in {settings.data}")
    kept = settings.data / CONFIGURATION
    used = config or (kept if kept.exists() else None)
    others = differing(settings.data, serving.configured(used, data))
    if as_json:
        told = [each._asdict() for each in others]
        typer.echo(json.dumps({**made.model_dump(mode="json"), "differing_settings": told}))
        return
    for each in others:
        then, now = json.dumps(each.then), json.dumps(each.now)
        typer.echo(f"setting {each.name} was {then} when the backup was made, and is {now} here")
    more = f" --config {used}" if used else ""
    typer.echo(f"Start it: countermand up --data {settings.data}{more}")


@contextmanager
def refusing() -> Iterator[None]:
    """Ends the command with the reason when something of ours refuses."""
    from countermand.cli.troubles import of_file
    from events.errors import CountermandError

    try:
        yield
    except CountermandError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.REFUSED) from None
    except OSError as error:
        typer.echo(of_file(error), err=True)
        raise typer.Exit(Exit.REFUSED) from None


def progress(counting: ProgressColumn, as_json: bool) -> Progress:
    """Where there is no terminal, what moves would be noise."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        counting,
        TimeRemainingColumn(),
        console=console,
        disable=as_json or not console.is_terminal,
    )


def shown(bar: Progress) -> Callable[[str, int, int], None]:
    """Each file a line."""
    lines: dict[str, TaskID] = {}

    def took(name: str, done: int, of: int) -> None:
        if name not in lines:
            lines[name] = bar.add_task(name, total=of)
        bar.update(lines[name], completed=done, total=of)

    return took
