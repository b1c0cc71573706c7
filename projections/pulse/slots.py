"""What was stopped in a stretch of time, by organization, handler and region: counts, never lists.

A window is made of slots of a fixed width, so that memory is bounded and old times fall out whole:
a window covers what its name says, and up to one slot more.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypedDict

from events.positions import Position
from projections.pulse.histogram import Histogram, empty, merged, with_times
from projections.pulse.stopping import Stopped

SECOND_US = 1_000_000
PHASES = ("requested_to_observed", "observed_to_stopped", "requested_to_stopped")


class Window(NamedTuple):
    """A stretch of time up to now, and the width of its slots."""

    name: str
    length_us: int
    slot_us: int


WINDOWS = (
    Window("1m", 60 * SECOND_US, 5 * SECOND_US),
    Window("15m", 15 * 60 * SECOND_US, 60 * SECOND_US),
    Window("24h", 24 * 3600 * SECOND_US, 3600 * SECOND_US),
)


class Group(NamedTuple):
    """What times are kept apart by."""

    organization: str
    kind: str
    region: str


class Slot(TypedDict):
    """What ended in one slot, of one group."""

    group: list[str]
    window: str
    start_us: int
    counted: dict[str, int]
    """By partition, behind which offset nothing is in here yet. What comes again isn't counted."""
    phases: dict[str, Histogram]
    evidence: dict[str, int]
    overran: int


def slot_keys(group: Group, at_us: int) -> Iterator[tuple[str, Window, int]]:
    """The slots, one of each window, into which this moment falls."""
    for window in WINDOWS:
        start_us = at_us - at_us % window.slot_us
        yield slot_key(group, window.name, start_us), window, start_us


@lru_cache(1024)
def slot_key(group: Group, window: str, start_us: int) -> str:
    """Texts, as a table's keys are; the same few are asked for with every stop."""
    return json.dumps([*group, window, start_us])


def new_slot(group: Group, window: Window, start_us: int) -> Slot:
    return {
        "group": list(group),
        "window": window.name,
        "start_us": start_us,
        "counted": {},
        "phases": {phase: empty() for phase in PHASES},
        "evidence": {},
        "overran": 0,
    }


def with_entry(
    before: Slot, position: Position, stops: Sequence[Stopped], overran: int = 0
) -> Slot:
    """The slot with everything that one entry ended or overran in its group.

    Of one entry at once: what stands at a position is counted together or not at all.
    """
    partition = str(position.partition)
    if position.offset < before["counted"].get(partition, 0):
        return before
    after = with_stops(before, stops, overran)
    after["counted"] = {**before["counted"], partition: position.offset + 1}
    return after


def with_stops(before: Slot, stops: Sequence[Stopped], overran: int = 0) -> Slot:
    ran = [stop for stop in stops if stop.ran]
    phases, evidence = before["phases"], dict(before["evidence"])
    for stop in stops:
        evidence[stop.evidence] = evidence.get(stop.evidence, 0) + 1
    return {
        **before,
        "phases": {phase: with_times(phases[phase], phase_times(phase, ran)) for phase in PHASES}
        if ran
        else phases,
        "evidence": evidence,
        "overran": before["overran"] + overran,
    }


def phase_times(phase: str, stops: Iterable[Stopped]) -> list[int]:
    return [us for stop in stops if (us := phase_us(phase, stop)) is not None]


def phase_us(phase: str, stop: Stopped) -> int | None:
    """How long it took; None when one of its moments is unknown. Clocks differ: never below 0."""
    requested_us, observed_us, stopped_us = stop.requested_us, stop.observed_us, stop.stopped_us
    if phase == "requested_to_stopped":
        return max(stopped_us - requested_us, 0)
    if observed_us is None:
        return None
    took_us = observed_us - requested_us
    return max(took_us if phase == "requested_to_observed" else stopped_us - observed_us, 0)


def over(slot: Slot, now_us: int) -> bool:
    """Whether it has fallen out of its window, and may be forgotten."""
    window = next(each for each in WINDOWS if each.name == slot["window"])
    return slot["start_us"] + window.slot_us <= now_us - window.length_us


class Counted(TypedDict):
    """Slots added up."""

    phases: dict[str, Histogram]
    evidence: dict[str, int]
    overran: int


def together(slots: Iterable[Slot]) -> Counted:
    """What these slots hold, of whichever groups and processes they are."""
    slots = list(slots)
    evidence: dict[str, int] = {}
    for slot in slots:
        for name, count in slot["evidence"].items():
            evidence[name] = evidence.get(name, 0) + count
    return {
        "phases": {phase: merged(slot["phases"][phase] for slot in slots) for phase in PHASES},
        "evidence": evidence,
        "overran": sum(slot["overran"] for slot in slots),
    }
