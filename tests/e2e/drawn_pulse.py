"""The pulse as the history alone says it, by the pulse's own pure functions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from projections.entry import Entry
from projections.moments import us
from projections.pulse.picture import Picture, picture
from projections.pulse.tables import Tables, enter


def drawn(entries: Iterable[Entry]) -> Picture:
    """From all of a history's entries."""
    tables = Tables()
    for entry in entries:
        enter(tables, entry, {})
    return picture(
        us(datetime.now(UTC)),
        stopping=tables.stopping.values(),
        slots=tables.slots.values(),
        executors=(),
        deadlines=tables.deadlines.values(),
        margin_us=5_000_000,
    )


def essence(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the history alone decides, whatever the time."""
    return {
        "stopping": shown["stopping"],
        "unobserved": shown["unobserved"],
        "day": shown["windows"]["24h"],
        "groups": sorted(map(_group, shown["groups"]), key=itemgetter("of")),
        "due": shown["deadlines"]["due"],
        "deadlines": shown["deadlines"]["within"]["24h"],
    }


def _group(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "of": (shown["organization"], shown["kind"], shown["region"]),
        "day": shown["windows"]["24h"],
    }
