"""How golden histories are written and read: one line for an event and what was said of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from events.event import Event, decode, encode
from events.outcome import Outcome
from events.state import Root
from tests.builders.folding import Fold

HERE = Path(__file__).parent
EVENTS, HISTORIES, SCHEMAS = HERE / "events", HERE / "histories", HERE / "schemas"
_BEFORE_THE_EVENT = ',"event":'


class Pinned(NamedTuple):
    raw: bytes
    told: dict[str, Any]
    """Verdict, reason, by how much it was late, what changed to which status."""


def line(told: dict[str, Any], raw: bytes) -> str:
    """The event's bytes stand at the end as they are; nothing encodes them again."""
    return json.dumps(told, separators=(",", ":"))[:-1] + _BEFORE_THE_EVENT + raw.decode() + "}"


def read(path: Path) -> list[Pinned]:
    pinned = []
    for text in path.read_text().splitlines():
        told, _, raw = text.partition(_BEFORE_THE_EVENT)
        pinned.append(Pinned(raw[:-1].encode(), json.loads(told + "}")))
    return pinned


def told(root: Root, outcome: Outcome) -> dict[str, Any]:
    """What is pinned of an outcome, taken before it is applied."""
    changed = {task.id: str(task.status) for task in outcome.tasks}
    if outcome.project is not None and outcome.project != root.project:
        changed[outcome.project.id] = str(outcome.project.status)
    return {
        "verdict": str(outcome.verdict),
        "reason": outcome.reason and str(outcome.reason),
        "late_seconds": outcome.late_seconds,
        "changed": changed,
        "evidence": {task.id: str(task.evidence) for task in outcome.tasks if task.evidence},
    }


def replayed(events: list[Event], fold: Fold) -> Iterator[dict[str, Any]]:
    root = fold.new_root()
    for event in events:
        outcome = fold.evolve(root, event)
        yield told(root, outcome)
        fold.apply(root, outcome)


def written(events: list[Event], fold: Fold) -> str:
    lines = zip(replayed(events, fold), map(encode, events), strict=True)
    return "".join(f"{line(said, raw)}\n" for said, raw in lines)


def events_of(path: Path) -> list[Event]:
    return [decode(each.raw) for each in read(path)]
