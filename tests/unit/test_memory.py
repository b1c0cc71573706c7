"""What the fold keeps at hand of what has finished is bounded, however large the events are."""

import pytest

from events.event import encode
from events.log import Record
from events.positions import Position
from projections.entry import decoded
from projections.memory import LARGE_BYTES, Memory
from tests.builders import a_task

KEPT = 300
LARGE = {"text": "x" * 100_000}


def filled(memory: Memory, *, recalled: bool, payload: dict[str, str], name: str = "task") -> int:
    """A hundred finished tasks, entered or recalled; how far the log has come."""
    offset = 0
    for number in range(100):
        events = a_task(f"{name}-{number}", payload=payload).started().completed().events
        key = events[0].key
        if recalled:
            memory.recall(key, events)
            continue
        memory.recall(key)
        for event in events:
            memory.enter(decoded(Record(Position(0, offset), encode(event), 0)))
            offset += 1
    return offset


@pytest.mark.parametrize("recalled", [False, True])
def test_large_payloads_of_finished_tasks_are_let_go_earlier(recalled: bool) -> None:
    memory = Memory(KEPT)
    end = filled(memory, recalled=recalled, payload=LARGE)

    memory.forget({0: end})

    assert 0 < len(memory.roots) * len(LARGE["text"]) <= KEPT * LARGE_BYTES


@pytest.mark.parametrize("recalled", [False, True])
def test_small_ones_stay_as_long_as_there_is_room(recalled: bool) -> None:
    memory = Memory(KEPT)
    end = filled(memory, recalled=recalled, payload={})

    memory.forget({0: end})

    assert len(memory.roots) == 100


def test_what_was_let_go_weighs_nothing_when_it_comes_again() -> None:
    memory, kept = Memory(KEPT), []
    for name in ("a", "b", "a", "b"):
        memory.forget({0: filled(memory, recalled=True, payload=LARGE, name=name)})
        kept.append(len(memory.roots))

    assert kept == [kept[0]] * 4
