"""The checks of the fold by name: the sentences of its rules, golden histories, state graphs."""

import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import FrameType, ModuleType
from typing import Any

from events.event import Event
from tests.builders import folding
from tests.golden.pinned import HISTORIES, events_of, read, replayed
from tests.properties.alphabets import (
    of_a_family,
    of_a_family_in_a_project,
    of_a_project,
    of_a_root_that_moves,
)
from tests.properties.laws import check_edge
from tests.properties.state_graph import explore
from tests.unit import (
    test_cancelling,
    test_cancelling_below,
    test_claiming,
    test_moving,
    test_overruns,
    test_projects,
    test_regions,
    test_reviving,
    test_running,
    test_submitting,
    test_tombstones,
    test_waiting,
)

Check = Callable[[], None]

SENTENCES = [
    test_submitting,
    test_claiming,
    test_overruns,
    test_running,
    test_waiting,
    test_cancelling,
    test_cancelling_below,
    test_reviving,
    test_projects,
    test_tombstones,
    test_regions,
    test_moving,
]


@cache
def sentences() -> dict[str, Check]:
    """The unit tests of the rules, each with its parameters."""
    return {name: check for module in SENTENCES for name, check in _tests_of(module)}


@cache
def golden() -> dict[str, Check]:
    return {f"golden {path.stem}": partial(_replays, path.stem) for path in HISTORIES.iterdir()}


@cache
def graphs() -> dict[str, Check]:
    """The small graphs; not that of a single task, which the sentences cover and takes longest."""
    made_by = (of_a_family, of_a_project, of_a_family_in_a_project, of_a_root_that_moves)
    return {f"the graph {each.__name__}": partial(_explores, each) for each in made_by}


def fault_found_by(check: Check, cpu_seconds: float = 20.0) -> Exception | None:
    """What the check says; a mutant may also make it raise, or never let it come to an end."""
    try:
        with _limited(cpu_seconds):
            check()
    except Exception as fault:  # noqa: BLE001 - whatever it is, that it is seen is what counts
        return fault
    return None


def _tests_of(module: ModuleType) -> Iterator[tuple[str, Check]]:
    short = module.__name__.rpartition(".")[2].removeprefix("test_")
    for name, test in vars(module).items():
        if name.startswith("test_"):
            for arguments in _arguments_of(test):
                shown = "".join(f"[{each}]" for each in arguments.values())
                yield f"{short}: {name.removeprefix('test_')}{shown}", partial(test, **arguments)


def _arguments_of(test: Any) -> Iterator[dict[str, Any]]:
    """All that its `parametrize` marks say."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    choices = []
    for mark in marks:
        names, values = mark.args
        names = [names] if isinstance(names, str) else list(names)
        rows = [[value] if len(names) == 1 else list(value) for value in values]
        choices.append([dict(zip(names, row, strict=True)) for row in rows])
    for chosen in itertools.product(*choices):
        yield {name: value for each in chosen for name, value in each.items()}


@cache
def _golden_events(name: str) -> tuple[list[Event], list[dict[str, Any]]]:
    path = HISTORIES / f"{name}.jsonl"
    return events_of(path), [each.told for each in read(path)]


def _replays(name: str) -> None:
    events, told = _golden_events(name)
    assert list(replayed(events, folding.the_fold)) == told


def _explores(made_by: Callable[..., Any]) -> None:
    explore(folding.the_fold, _alphabet(made_by), check_edge)


@cache
def _alphabet(made_by: Callable[..., Any]) -> list[Event]:
    events: list[Event] = made_by(full=False).events
    return events


class TookTooLong(Exception):
    """More time of the processor than the check is given."""


@contextmanager
def _limited(cpu_seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
