"""A pulse that begins counts what one has counted that was there all the time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from projections.pulse.picture import picture
from projections.pulse.tables import Tables, enter
from services.pulse.pulse import recalling
from tests.read_side import written
from tests.recorded import judged, records

STOPS_LIMIT = 10_000


@pytest.mark.parametrize("seed", range(10))
async def test_every_stop_is_counted_the_same(seed: int, tmp_path: Path) -> None:
    entries = judged(records(seed, 300))
    now_us = 1 + max(entry.record.appended_at_us for entry in entries)
    there, begun = Tables(), Tables()
    for entry in entries:
        enter(there, entry)
    lately = await written(tmp_path, entries).lately(0, STOPS_LIMIT)
    for _ in recalling(begun, lately.stops, lately.overruns):
        pass

    assert counted(begun, now_us) == counted(there, now_us)
    assert counted(there, now_us)


def counted(tables: Tables, now_us: int) -> list[Mapping[str, Any]]:
    """By group. The stories' own times have no order, so that phases can't be compared."""
    shown = picture(
        now_us, stopping=(), slots=tables.slots.values(), executors=(), deadlines=(), margin_us=0
    )
    windows = sorted(
        (each["organization"], each["kind"], each["region"], each["windows"]["24h"])
        for each in shown["groups"]
    )
    return [
        {"of": of, "evidence": window["evidence"], "overran": window["overran"]}
        for *of, window in windows
        if window["evidence"] or window["overran"]
    ]
