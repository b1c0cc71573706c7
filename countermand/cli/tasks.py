"""Commands about tasks: submit, cancel, status, history, watch, replay."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countermand.cli import bulk, shown
from countermand.cli.connection import ask
from countermand.cli.exits import Exit
from countermand.cli.given import labels, payload, secrets
from countermand.cli.options import URL, AsJson, Key, Url
from countermand.cli.waiting import held_up_by

if TYPE_CHECKING:
    from countermand.client import Client, HistoryLine, Task

console = shown.new_console()

TaskId = Annotated[str, typer.Argument(help="The task's id.")]


def submit(
    kind: Annotated[str, typer.Argument(help="The handler to run, e.g. sleep.")],
    payload_text: Annotated[
        str | None, typer.Option("--payload", help="A JSON object, or @file.")
    ] = None,
    id: Annotated[str | None, typer.Option(help="Yours to choose.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="name=value; repeatable.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="NAME (of an environment variable) or NAME=@file; only the run sees it."),
    ] = None,
    project: Annotated[str | None, typer.Option(help="The project that it is part of.")] = None,
    parent: Annotated[str | None, typer.Option(help="The task that it is a child of.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="How often it may be tried.")] = None,
    grace_seconds: Annotated[
        float | None, typer.Option(help="So long it has to stop by itself, once it is asked.")
    ] = None,
    stop_within_seconds: Annotated[
        float | None,
        typer.Option(help="Its budget for a stop: a longer one is noted, and counted."),
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(help="A time (RFC 3339) at which it is cancelled.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Submit a task; prints its id."""
    more = {
        "labels": labels(label) or None,
        "secrets": secrets(secret) or None,
        "project": project,
        "parent": parent,
        "max_attempts": max_attempts,
        "grace_seconds": grace_seconds,
        "stop_within_seconds": stop_within_seconds,
        "deadline": deadline,
    }
    given: dict[str, Any] = {name: value for name, value in more.items() if value is not None}
    body = payload(payload_text)
    task = ask(url, key, lambda client: client.submit(kind, body, id=id, **given), as_json)
    typer.echo(json.dumps(task) if as_json else task["id"])


def cancel(
    id: Annotated[str | None, typer.Argument(help="The task's id; or say --where.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Many tasks: project=, handler=, label=name=value, actor=kind:id, status=, "
            "region=, older_than=1h, younger_than=; repeatable, all must hold."
        ),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="With --where: show what it means, and end.")
    ] = False,
    token: Annotated[
        str | None, typer.Option(help="Many tasks: those that a preview showed, with this token.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --where: don't ask again.")] = False,
    cap: Annotated[
        int | None, typer.Option(help="With --where: refuse if there are more tasks.")
    ] = None,
    per_second: Annotated[
        float | None, typer.Option(help="With --where: how many a second, at most.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept in the history.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Don't ask politely first.")] = False,
    grace_seconds: Annotated[
        float | None, typer.Option(help="So long it has to stop by itself; else the task's own.")
    ] = None,
    hold_seconds: Annotated[
        float | None, typer.Option(help="If there is no such task yet, keep the cancel so long.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Its home, if that isn't known where you ask.")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option(help="A time: if it isn't decided by then, it is void.")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the stop.")] = 30,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Stop a task, and show the receipt; or stop many, once you have seen which."""
    if sum(bool(each) for each in (id, where, token)) != 1:
        raise typer.BadParameter("name one task, or say --where, or give the --token of a preview")
    orders: bulk.Orders = {
        "reason": reason,
        "mode": "force" if force else "graceful",
        "grace_seconds": grace_seconds,
        "per_second": per_second,
    }
    if token is not None:
        if preview or cap is not None:
            raise typer.BadParameter(
                "what a token cancels has been shown and counted: give it alone"
            )
        bulk.begin(token, orders, url, key, as_json)
        return
    if where:
        bulk.cancel_many(bulk.filter_of(where), cap, orders, preview, yes, url, key, as_json)
        return
    assert id is not None
    task_id = id

    async def do(client: Client) -> Any:
        return await client.cancel(
            task_id,
            reason=reason,
            mode="force" if force else "graceful",
            grace_seconds=grace_seconds,
            hold_seconds=hold_seconds,
            wait_seconds=wait,
            region=region,
            expires_at=expires_at,
        )

    receipt = ask(url, key, do, as_json)
    if as_json:
        typer.echo(json.dumps(receipt))
    else:
        console.print(shown.receipt(receipt))
    if receipt["stopped_at"] is None and receipt["held_until"] is None:
        raise typer.Exit(Exit.STILL_STOPPING)


def status(
    id: Annotated[str | None, typer.Argument(help="A task; without one, the newest.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="A position (0:42), a frontier (before:0:43) or a time.")
    ] = None,
    state: Annotated[list[str] | None, typer.Option("--status", help="Only these.")] = None,
    limit: int = 20,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show a task, or the newest ones; now, or as of then."""
    if id is not None:

        async def one(client: Client) -> tuple[Task, list[str]]:
            task = await client.task(id, as_of=as_of)
            plain = as_json or as_of is not None
            return task, [] if plain else await held_up_by(client, task)

        task, held = ask(url, key, one, as_json)
        if as_json:
            typer.echo(json.dumps(task))
        else:
            console.print(shown.task(task, held))
        return

    async def newest(client: Client) -> list[Task]:
        found = client.tasks(limit=limit, status=state, as_of=as_of)
        return [each async for each in found]

    tasks = ask(url, key, newest, as_json)
    if as_json:
        typer.echo(json.dumps(tasks))
    else:
        console.print(shown.tasks(tasks))


def history(
    id: TaskId,
    limit: int = 1000,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show all that was said about a task, when, and what each did."""

    async def lines(client: Client) -> list[HistoryLine]:
        return [each async for each in client.task_history(id, limit=limit)]

    found = ask(url, key, lines, as_json)
    if as_json:
        for line in found:
            typer.echo(json.dumps(line))
    else:
        console.print(shown.timeline(found))


def watch(
    id: Annotated[str | None, typer.Argument(help="A task; without one, everything.")] = None,
    project: str | None = None,
    after: Annotated[str | None, typer.Option(help="Go on after this cursor.")] = None,
    until_ended: Annotated[
        bool, typer.Option(help="End with the task; else go on until interrupted.")
    ] = True,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what is said, as it is said."""

    async def follow(client: Client) -> None:
        await client.ready()  # a stream goes on where it was cut; here nothing has begun yet
        async for frame in client.stream(task=id, project=project, after=after):
            if as_json:
                typer.echo(json.dumps({"cursor": frame.id, **frame.data}))
            else:
                console.print(shown.frame(frame))
            ended = frame.data.get("status") in shown.ENDED
            if id is not None and until_ended and ended:
                return

    ask(url, key, follow, as_json)


def replay(
    id: TaskId,
    speed: Annotated[float, typer.Option(help="How much faster than it was; 0: at once.")] = 0,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show the task's state after each of its events, one after another. Changes nothing."""

    async def states(client: Client) -> None:
        before: float | None = None
        async for line in client.task_history(id):
            at = shown.moment(line["appended_at"]).timestamp()
            if speed > 0 and before is not None:
                await asyncio.sleep(min(10.0, max(0.0, at - before) / speed))
            before = at
            task = await client.task(id, as_of=line["position"])
            if as_json:
                typer.echo(json.dumps({"position": line["position"], "task": task}))
            else:
                console.print(shown.step(line, task))

    ask(url, key, states, as_json)
