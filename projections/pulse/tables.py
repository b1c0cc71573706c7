"""All rows of the pulse, and how an entry or a heartbeat changes them.

The tables are mappings: dictionaries, or whatever keeps rows by key. Values are replaced, never
changed, so that a mapping that stores them on assignment sees every change.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from events.state import TaskState
from projections.entry import Entry
from projections.pulse.deadlines import Deadline, deadline_of
from projections.pulse.executors import ExecutorRow, forgotten
from projections.pulse.slots import (
    Group,
    Slot,
    new_slot,
    over,
    slot_keys,
    with_entry,
    with_stops,
)
from projections.pulse.stopping import Change, Stopped, Stopping, changes, key_of, recalled

GROUPS_LIMIT = 500
"""Kinds of tasks are callers' texts: beyond so many groups a new one counts among the others."""
OTHERS = "(others)"


@dataclass
class Tables:
    """By key: what is being stopped, what was counted, which deadlines may come, who runs."""

    stopping: MutableMapping[str, Stopping] = field(default_factory=dict)
    slots: MutableMapping[str, Slot] = field(default_factory=dict)
    deadlines: MutableMapping[str, Deadline] = field(default_factory=dict)
    executors: MutableMapping[str, ExecutorRow] = field(default_factory=dict)
    groups: set[Group] = field(default_factory=set)
    """Those with a slot: known from the slots, kept beside them to be asked quickly."""


@dataclass(slots=True)
class _Ended:
    """What one entry ended in one group."""

    stops: list[Stopped] = field(default_factory=list)
    overran: int = 0


def enter(tables: Tables, entry: Entry, budgets_seconds: Mapping[str, float] = {}) -> list[Change]:
    """Take in an entry; one that has been taken in already changes nothing that is counted."""
    return list(entering(tables, entry, budgets_seconds))


def entering(
    tables: Tables, entry: Entry, budgets_seconds: Mapping[str, float] = {}
) -> Iterator[Change]:
    """The same step by step, as one cancel may stop ten thousand tasks: others can have a turn
    between two steps. Nothing is counted before the last one."""
    event = entry.event
    if event is None:
        return
    for task in entry.outcome.tasks:
        if task.spec.deadline is not None:
            follow_deadline(tables, event.organization, task)
    ended: dict[Group, _Ended] = {}
    for change in changes(entry, tables.stopping.get, budgets_seconds):
        if change.row is not None:
            tables.stopping[change.key] = change.row
        elif change.key in tables.stopping:
            del tables.stopping[change.key]
        if change.group is not None:
            here = ended.setdefault(Group(*change.group), _Ended())
            here.overran += change.overran
            if change.stopped is not None:
                here.stops.append(change.stopped)
        yield change
    for group, what in ended.items():
        count(tables, entry, group, what.stops, what.overran)


def follow_deadline(tables: Tables, organization: str, task: TaskState) -> None:
    key = key_of(organization, task.id)
    deadline = deadline_of(organization, task)
    if deadline is not None:
        tables.deadlines[key] = deadline
    elif key in tables.deadlines:
        del tables.deadlines[key]


def recall_task(tables: Tables, organization: str, task: TaskState) -> None:
    """What is alive, for whoever begins in the middle."""
    if task.spec.deadline is not None:
        follow_deadline(tables, organization, task)
    row = recalled(organization, task)
    if row is not None:
        tables.stopping[key_of(organization, task.id)] = row


def budgeted(
    tables: Tables, budgets_seconds: Mapping[str, float]
) -> Iterator[tuple[str, Stopping]]:
    """Live stops that had no budget, with that of their handler, of which nobody knew then."""
    for key, row in list(tables.stopping.items()):
        seconds = budgets_seconds.get(row["kind"])
        if row["budget_us"] is None and seconds is not None:
            tables.stopping[key] = {**row, "budget_us": int(seconds * 1_000_000)}
            yield key, tables.stopping[key]


def recall_stop(tables: Tables, stop: Stopped) -> None:
    """A stop from before the beginning, counted by its own time, as nobody knows its entry's."""
    group = Group(stop.organization, stop.kind, stop.region)
    count_recalled(tables, group, stop.stopped_us, [stop], 0)


def recall_overrun(tables: Tables, group: Group, appended_us: int) -> None:
    """An overrun that was noted before the beginning."""
    count_recalled(tables, group, appended_us, [], 1)


def recall_noticed(
    tables: Tables,
    key: str,
    *,
    observed_us: int | None,
    unconfirmed_us: int | None,
    due_us: int | None,
) -> None:
    """What is known of a live stop and isn't in its task: what was noted, and when its grace ends
    since a later request."""
    row = tables.stopping.get(key)
    if row is not None:
        tables.stopping[key] = {
            **row,
            "observed_us": observed_us,
            "unconfirmed_us": unconfirmed_us,
            "due_us": row["due_us"] if due_us is None else due_us,
        }


def count_recalled(
    tables: Tables, group: Group, at_us: int, stops: list[Stopped], overran: int
) -> None:
    group = limited(group, tables.groups)
    for key, window, start_us in slot_keys(group, at_us):
        before = tables.slots.get(key) or new_slot(group, window, start_us)
        tables.slots[key] = with_stops(before, stops, overran)
    tables.groups.add(group)


def count(tables: Tables, entry: Entry, group: Group, stops: list[Stopped], overran: int) -> None:
    """Into the slots of the moment at which the log took the entry: one clock for all groups."""
    group = limited(group, tables.groups)
    for key, window, start_us in slot_keys(group, entry.record.appended_at_us):
        before = tables.slots.get(key) or new_slot(group, window, start_us)
        tables.slots[key] = with_entry(before, entry.record.position, stops, overran)
    tables.groups.add(group)


def limited(group: Group, known: set[Group]) -> Group:
    if group in known or len(known) < GROUPS_LIMIT:
        return group
    return Group(group.organization, OTHERS, group.region)


def sweep(tables: Tables, now_us: int) -> None:
    """Forget what has fallen out of every window. Nothing that is shown changes by it."""
    for key in [key for key, slot in tables.slots.items() if over(slot, now_us)]:
        del tables.slots[key]
    for name in [name for name, row in tables.executors.items() if forgotten(row, now_us)]:
        del tables.executors[name]
    tables.groups = {Group(*slot["group"]) for slot in tables.slots.values()}
