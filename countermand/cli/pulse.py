"""`countermand pulse`: what is being stopped right now, live in the terminal or once as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from countermand.cli.connection import ask
from countermand.cli.options import URL, AsJson, Key, Url
from countermand.cli.shown import new_console, since_moment

if TYPE_CHECKING:
    from countermand.client import Client, PhaseTimes, Pulse, PulseWindow

PHASES = {
    "requested_to_observed": "requested → observed",
    "observed_to_stopped": "observed → stopped",
    "requested_to_stopped": "requested → stopped",
}


def pulse(
    url: Url = URL,
    key: Key = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
    every_seconds: Annotated[
        float, typer.Option("--every", min=0.1, max=3600, help="Seconds between two looks.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show what is being stopped, how long each phase takes, and what is overdue."""
    console = new_console()
    if as_json or once or not console.is_terminal:
        shown = ask(url, key, lambda client: client.pulse(), as_json)
        console.print_json(json.dumps(shown)) if as_json else console.print(drawn(shown))
        return

    async def watch(client: Client) -> None:
        with Live(drawn(await client.pulse()), console=console, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(every_seconds)
                live.update(drawn(await client.pulse()), refresh=True)

    ask(url, key, watch, as_json)


def drawn(shown: Pulse) -> RenderableType:
    parts: list[RenderableType] = [headline(shown), times(shown)]
    if shown["groups"]:
        parts.append(by_group(shown))
    if shown["overdue_stops"]:
        parts.append(overdue(shown))
    return Group(*parts)


def headline(shown: Pulse) -> Text:
    executors, deadlines = shown["executors"], shown["deadlines"]
    return Text.assemble(
        (f"{shown['stopping']} stopping", "bold"),
        f", {shown['unobserved']} not observed yet, ",
        (f"{shown['overdue']} overdue", "red" if shown["overdue"] else ""),
        f"   executors: {executors['alive']} alive, {executors['draining']} draining, ",
        (f"{executors['lost']} lost", "red" if executors["lost"] else ""),
        f", {executors['running']} runs",
        f"   deadlines: {deadlines['due']} due, {deadlines['within'].get('1m', 0)} within 1 m",
    )


def times(shown: Pulse) -> Table:
    """A line for each phase and window."""
    table = Table("phase", "window", "stops", "p50", "p95", "p99", "overran", box=None)
    for phase, title in PHASES.items():
        for name, window in shown["windows"].items():
            took = window["phases"][phase]
            overran = str(window["overran"]) if phase == "requested_to_stopped" else ""
            table.add_row(title, name, str(took["count"]), *quantiles(took), overran)
    return table


def by_group(shown: Pulse) -> Table:
    """Of the last 15 minutes, from the request to the stop."""
    table = Table(
        "handler", "region", "stopping", "overdue", "stops, 15 m", "p50", "p95", "p99", "evidence",
        box=None,
    )  # fmt: skip
    for group in shown["groups"]:
        window: PulseWindow = group["windows"]["15m"]
        took = window["phases"]["requested_to_stopped"]
        evidence = ", ".join(f"{name} {count}" for name, count in window["evidence"].items())
        table.add_row(
            Text(group["kind"]),
            group["region"],
            str(group["stopping"]),
            Text(str(group["overdue"]), "red" if group["overdue"] else ""),
            str(took["count"]),
            *quantiles(took),
            evidence,
        )
    return table


def overdue(shown: Pulse) -> Table:
    table = Table("overdue", "handler", "executor", "requested", "due", "unconfirmed", box=None)
    for stop in shown["overdue_stops"]:
        requested = stop["requested_at"]
        table.add_row(
            Text(stop["task_id"], "red"),
            Text(stop["kind"]),
            stop["executor"],
            requested,
            since_moment(requested, stop["due_at"]),
            since_moment(requested, stop["unconfirmed_at"]),
        )
    return table


def quantiles(took: PhaseTimes) -> list[str]:
    return [duration(took[name]) for name in ("p50", "p95", "p99")]


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
