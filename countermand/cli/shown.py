"""Documents as people read them: receipts, timelines with relative times, tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from countermand.cli import waiting
from countermand.cli.plain_console import PlainConsole

if TYPE_CHECKING:
    from countermand.client import AtHome, Frame, HistoryLine, Receipt, Task

ENDED = frozenset({"succeeded", "failed", "cancelled", "skipped", "moved", "completed"})
COLORS = {
    "cancelled": "green",
    "succeeded": "green",
    "failed": "red",
    "cancelling": "yellow",
    "running": "cyan",
    "effective": "green",
    "noted": "dim",
    "void": "yellow",
}


def new_console(*, stderr: bool = False) -> Console:
    """Tables keep their columns also where nobody says how wide a line may be."""
    console = PlainConsole(stderr=stderr)
    return console if console.is_terminal else PlainConsole(stderr=stderr, width=180)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def since(start: datetime, text: str) -> str:
    """The time from the start: `+1.234 s`."""
    seconds = (moment(text) - start).total_seconds()
    if abs(seconds) < 60:
        return f"{seconds:+.3f} s"
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    sign = "-" if seconds < 0 else "+"
    return f"{sign}{hours}:{int(minutes):02}:{rest:06.3f}"


def since_moment(start: str, text: str | None) -> str:
    return _after(moment(start), text)


def colored(word: str | None) -> Text:
    return Text(word or "", COLORS.get(word or "", ""))


def receipt(one: Receipt) -> RenderableType:
    requested = moment(one["requested_at"])
    grid = _grid()
    verdict = Text.assemble(colored(one["verdict"]), f" ({one['reason']})" if one["reason"] else "")
    grid.add_row("receipt", f"{one['event_id']} at {one['position']}")
    grid.add_row("verdict", verdict)
    if one["home"] is not None:
        grid.add_row("home", at_home(one["home"]))
    grid.add_row("who, why", f"{one['who']['kind']} {one['who']['id']}: {one['why'] or '-'}")
    grid.add_row("requested", one["requested_at"])
    grid.add_row("observed", _after(requested, one["observed_at"]))
    grid.add_row("stopped", _after(requested, one["stopped_at"]))
    grid.add_row("status", colored(one["status"] or ("held" if one["held_until"] else "")))
    grid.add_row("evidence", one["evidence"] or "-")
    return Group(Text(one["subject"], "bold"), grid)


def at_home(home: AtHome) -> str:
    """Where it is decided, and how old what is known of that is."""
    place = "hasn't arrived yet" if home["position"] is None else f"at {home['position']} there"
    age = home["news_age_seconds"]
    news = "no news yet" if age is None else f"news of {age:.1f} s ago"
    return f"region {home['region']}, {place}; {news}"


def task(one: Task, held: list[str]) -> RenderableType:
    """`held`: what holds it up, see `countermand.cli.waiting`."""
    grid = _grid()
    status = Text.assemble(colored(one["status"]))
    if one["evidence"]:
        status.append(f", evidence {one['evidence']}")
    grid.add_row("status", status)
    if held:
        grid.add_row("waits for", waiting.said(held))
    grid.add_row("kind", f"{one['kind']}, attempt {one['attempt']} of {one['max_attempts']}")
    grid.add_row("created", one["created_at"])
    created = moment(one["created_at"])
    grid.add_row("started", _after(created, one["started_at"]))
    grid.add_row("finished", _after(created, one["finished_at"]))
    if one["progress"]:
        grid.add_row("progress", progress(one["progress"]))
    if one["cancel"]:
        cancel = one["cancel"]
        grid.add_row("cancel", f"{cancel['who']['id']}: {cancel['why'] or '-'} ({cancel['mode']})")
    if one["error"]:
        grid.add_row("error", one["error"])
    if one["result"] is not None:
        grid.add_row("result", str(one["result"]))
    grid.add_row("position", one["position"])
    return Group(Text(one["id"], "bold"), grid)


def tasks(many: Sequence[Task]) -> RenderableType:
    table = Table("id", "kind", "status", "evidence", "attempt", "created", box=None)
    for each in many:
        table.add_row(
            each["id"],
            each["kind"],
            colored(each["status"]),
            each["evidence"] or "",
            str(each["attempt"]),
            each["created_at"],
        )
    return table


def timeline(lines: Sequence[HistoryLine]) -> RenderableType:
    """One line an event: when since the first, where, what, who, what it did."""
    table = Table("when", "position", "event", "who", "verdict", "status", "", box=None)
    if not lines:
        return table
    start = moment(lines[0]["event"]["time"])
    for line in lines:
        table.add_row(*timeline_row(line, start))
    return Group(Text(f"{lines[0]['about']}, from {lines[0]['event']['time']}", "bold"), table)


def timeline_row(line: HistoryLine, start: datetime) -> tuple[RenderableType, ...]:
    event = line["event"]
    data: dict[str, Any] = event["data"]
    actor = data["actor"]
    verdict = colored(line["verdict"])
    if line["reason"]:
        verdict.append(f" {line['reason']}", "dim")
    return (
        since(start, event["time"]),
        line["position"],
        named(event["type"]),
        f"{actor['kind']} {short(actor['id'])}",
        verdict,
        colored(line["status"]),
        remark(data, line),
    )


def remark(data: dict[str, Any], line: HistoryLine) -> Text:
    """What of an event people want to see at a glance."""
    parts = []
    if data.get("evidence"):
        parts.append(f"evidence: {data['evidence']}")
    if data.get("reason"):
        parts.append(f"“{data['reason']}”")
    if data.get("error"):
        parts.append(str(data["error"]).splitlines()[-1][:80])
    if line["late_seconds"] is not None:
        parts.append(f"{line['late_seconds']:.3f} s too late")
    return Text(", ".join(parts))


def frame(one: Frame) -> RenderableType:
    if "event" not in one.data:  # output
        data = one.data["data"]
        said = data.get("content", data.get("step", ""))
        fraction = data.get("fraction")
        percent = "" if fraction is None else f"{fraction:.0%} "
        return Text(f"{one.data['time']}  {one.data['subject']}  {percent}{said}", "dim")
    line: HistoryLine = one.data  # type: ignore[assignment]
    return Text.assemble(
        f"{line['event']['time']}  {line['about']}  {named(one.event)}  ",
        colored(line["verdict"]),
        "  ",
        colored(line["status"]),
        "  ",
        remark(line["event"]["data"], line),
    )


def step(line: HistoryLine, task: Task) -> RenderableType:
    return Text.assemble(
        f"{line['position']}  {named(line['event']['type'])}: ",
        colored(task["status"]),
        f" attempt {task['attempt']}",
        f", evidence {task['evidence']}" if task["evidence"] else "",
    )


def progress(one: Any) -> str:
    fraction = "" if one["fraction"] is None else f"{one['fraction']:.0%} "
    return f"{fraction}{one['step']}"


def named(type_tag: str) -> str:
    """`countermand.cancel.requested.v1` as `cancel requested`."""
    return " ".join(type_tag.removeprefix("countermand.").split(".")[:-1]).replace("-", " ")


def short(id: str) -> str:
    return id if len(id) <= 24 else f"{id[:10]}…{id[-8:]}"


def _after(start: datetime, text: str | None) -> str:
    """A cancel that came too late is told of what had happened before it."""
    if text is None:
        return "-"
    said = since(start, text)
    return f"{said[1:]} before" if said.startswith("-") else said


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    return grid
