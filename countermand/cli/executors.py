"""Executors: which there are, what each runs, and whether it goes on claiming."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from countermand.cli import shown
from countermand.cli.connection import ask
from countermand.cli.options import URL, AsJson, Key, Url

if TYPE_CHECKING:
    from countermand.client import Executor

app = typer.Typer(help="List executors, drain and resume them.", no_args_is_help=True)
console = shown.new_console()

ExecutorId = Annotated[str, typer.Argument(help="The executor's id.")]
Reason = Annotated[str, typer.Option(help="Kept in the history.")]


@app.command("list")
def list_(url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """List those that were heard of lately."""
    tell(ask(url, key, lambda client: client.executors(), as_json), as_json)


@app.command()
def show(id: ExecutorId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Show one, with what it runs for your organization."""
    one = ask(url, key, lambda client: client.executor(id), as_json)
    if as_json:
        typer.echo(json.dumps(one))
        return
    tell([one], as_json)
    runs = Table("task", "kind", "status", "since", box=None)
    for run in one.get("runs", []):
        status = shown.colored(run["status"])
        runs.add_row(run["task_id"], run["kind"], status, run["started_at"] or "")
    console.print(runs)


@app.command()
def drain(
    id: ExecutorId, reason: Reason = "", url: Url = URL, key: Key = None, as_json: AsJson = False
) -> None:
    """Let it claim nothing more; what runs goes on."""
    steer(id, "drain", reason, url, key, as_json)


@app.command()
def resume(
    id: ExecutorId, reason: Reason = "", url: Url = URL, key: Key = None, as_json: AsJson = False
) -> None:
    """Let it claim again."""
    steer(id, "resume", reason, url, key, as_json)


def steer(
    id: str, what: Literal["drain", "resume"], reason: str, url: str, key: str | None, as_json: bool
) -> None:
    one = ask(url, key, lambda client: client.steer_executor(id, what, reason=reason), as_json)
    tell([one], as_json)


def tell(executors: list[Executor], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(executors))
        return
    table = Table("id", "state", "region", "running", "of", "handlers", "heard", box=None)
    for one in executors:
        table.add_row(
            one["id"],
            shown.colored(one["state"]),
            one["region"],
            str(one["running"]),
            str(one["concurrent_runs"]),
            ", ".join(one["kinds"]),
            one["heard_at"],
        )
    console.print(table)
