"""Cancels of many tasks: the filter as people write it, the preview, the progress, the results."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from countermand.cli import shown
from countermand.cli.connection import ask
from countermand.cli.exits import Exit
from countermand.cli.options import URL, AsJson, Key, Url

if TYPE_CHECKING:
    from countermand.client import BulkCancel, BulkItem, BulkPreview, Client

app = typer.Typer(help="Look at cancels of many tasks, and stop them.", no_args_is_help=True)
console = shown.new_console()

AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LOOK_SECONDS = 1.0
"""How long the service may hold an answer about a job that hasn't ended."""

JobId = Annotated[str, typer.Argument(help="The job's id.")]


class Orders(TypedDict):
    reason: str
    mode: Literal["graceful", "force"]
    grace_seconds: float | None
    per_second: float | None


def filter_of(conditions: list[str]) -> dict[str, Any]:
    """`["project=p", "label=team=blue", "older_than=1h"]` as the API takes it."""
    where: dict[str, Any] = {}
    for text in conditions:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise typer.BadParameter(f"{text!r}: write name=value", param_hint="--where")
        match name:
            case "label":
                label, equals, value = value.partition("=")
                if not equals:
                    raise typer.BadParameter("write label=name=value", param_hint="--where")
                put(where.setdefault("labels", {}), label, value, text)
            case "status":
                where.setdefault("status", []).extend(value.split(","))
            case "older_than" | "younger_than":
                put(where, f"{name}_seconds", seconds(value), text)
            case "handler":
                put(where, "kind", value, text)
            case "project" | "kind" | "actor" | "region" | "created_from" | "created_before":
                put(where, name, value, text)
            case _:
                raise typer.BadParameter(
                    f"{name!r} is none of project, handler, label, actor, status, region, "
                    "older_than, younger_than, created_from, created_before",
                    param_hint="--where",
                )
    return where


def put(conditions: dict[str, Any], name: str, value: Any, text: str) -> None:
    """Refuses a second value: whichever was dropped, other tasks than those named would stop."""
    if name in conditions:
        raise typer.BadParameter(
            f"{text!r}: it was given before and takes one value; cancel in two goes",
            param_hint="--where",
        )
    conditions[name] = value


def seconds(text: str) -> float:
    found = AGE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r}: write 90s, 15m, 2h or 7d", param_hint="--where")
    return float(found[1]) * SECONDS[found[2]]


def cancel_many(
    where: dict[str, Any],
    cap: int | None,
    orders: Orders,
    only_preview: bool,
    yes: bool,
    url: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Look, ask, cancel, and show how far it is."""
    seen = ask(url, key, lambda client: client.preview_cancel_many(where, cap=cap), as_json)
    if as_json and only_preview:
        typer.echo(json.dumps(seen))
    elif not as_json:
        console.print(preview(seen))
    if only_preview or not seen["tasks"]:
        return
    if not yes and not typer.confirm(f"Cancel these {seen['tasks']} tasks?", err=True):
        raise typer.Exit(Exit.REFUSED)
    begin(seen["token"], orders, url, key, as_json)


def begin(token: str, orders: Orders, url: str, key: str | None, as_json: bool) -> None:
    """Cancel what a preview has shown, and nothing else; show how far it is."""
    job = ask(url, key, lambda client: client.cancel_many(token, **orders), as_json)
    tell_end(follow(job["id"], url, key, as_json), as_json)


def follow(id: str, url: str, key: str | None, as_json: bool) -> BulkCancel:
    """Show progress until the job has ended. It goes on without anybody who looks."""
    terminal = Console(stderr=True)
    bar = Progress(
        TextColumn("cancelling"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=terminal,
        disable=as_json or not terminal.is_terminal,
    )

    async def until_ended(client: Client) -> BulkCancel:
        with bar:
            line = bar.add_task("", total=None)
            while True:
                job = await client.bulk_cancel(id, wait_seconds=LOOK_SECONDS)
                bar.update(line, total=job["tasks"], completed=job["requested"])
                if job["ended_at"] is not None:
                    return job

    try:
        return ask(url, key, until_ended, as_json)
    except typer.Exit as end:
        if end.exit_code == Exit.INTERRUPTED:
            typer.echo(f"It goes on. To stop it: countermand bulk stop {id}", err=True)
        raise


def tell_end(job: BulkCancel, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(job))
    else:
        console.print(one(job))
    if job["state"] == "stopped":
        raise typer.Exit(Exit.REFUSED)


@app.command("list")
def list_(url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """List the newest ones."""
    jobs = ask(url, key, lambda client: client.bulk_cancels(), as_json)
    if as_json:
        typer.echo(json.dumps(jobs))
        return
    table = Table("id", "state", "requested", "of", "who", "why", "begun", box=None)
    for job in jobs:
        table.add_row(
            job["id"],
            shown.colored(job["state"]),
            str(job["requested"]),
            str(job["tasks"]),
            f"{job['who']['kind']} {job['who']['id']}",
            job["why"],
            job["begun_at"],
        )
    console.print(table)


@app.command()
def show(
    id: JobId,
    items: Annotated[bool, typer.Option("--items", help="Also what came of each task.")] = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show one, with what came of each of its tasks."""
    job = ask(url, key, lambda client: client.bulk_cancel(id), as_json)
    typer.echo(json.dumps(job)) if as_json else console.print(one(job))
    if not items:
        return

    async def each(client: Client) -> None:
        async for item in client.bulk_items(id):
            typer.echo(json.dumps(item)) if as_json else console.print(line_of(item))

    ask(url, key, each, as_json)


@app.command()
def stop(id: JobId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Ask no further task to stop. What was asked stays asked."""
    ask(url, key, lambda client: client.stop_bulk_cancel(id), as_json)
    job = follow(id, url, key, as_json)
    typer.echo(json.dumps(job)) if as_json else console.print(one(job))


def preview(seen: BulkPreview) -> RenderableType:
    table = Table("id", "kind", "status", "created", box=None)
    for task in seen["sample"]:
        table.add_row(task["id"], task["kind"], shown.colored(task["status"]), task["created_at"])
    rest = seen["tasks"] - len(seen["sample"])
    return Group(
        Text(f"{seen['tasks']} tasks; {seen['runs']} runs would be stopped", "bold"),
        table,
        Text(f"... and {rest} more" if rest else ""),
        Text(f"as of {seen['frontier']}; this preview holds until {seen['expires_at']}", "dim"),
        Text(f"to cancel these and no others: countermand cancel --token {seen['token']}", "dim"),
    )


def one(job: BulkCancel) -> RenderableType:
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(job["reasons"].items()))
    undecided = f", {job['undecided']} undecided" if job["undecided"] else ""
    return Group(
        Text.assemble((job["id"], "bold"), " ", shown.colored(job["state"])),
        Text(f"{job['requested']} of {job['tasks']} requested"),
        Text(f"{job['effective']} effective, {job['void']} void{undecided}"),
        Text(why, "dim"),
    )


def line_of(item: BulkItem) -> RenderableType:
    reason = f" ({item['reason']})" if item["reason"] else ""
    evidence = f"  evidence {item['evidence']}" if item["evidence"] else ""
    return Text.assemble(f"{item['task_id']}  ", shown.colored(item["verdict"]), reason, evidence)
