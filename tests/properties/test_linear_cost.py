"""What it costs to fold large roots: counted, not timed."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import pytest

from events.event import Event
from events.fold import evolve
from events.outcome import apply
from events.state import Root, TaskState
from events.words import Status
from tests.builders import History, a_project, a_task
from tests.proof_size import count


def fold_all(events: Iterable[Event], root: Root) -> None:
    for event in events:
        apply(root, evolve(root, event))


class Looked(dict[str, TaskState]):
    """Tasks that count how many of them were walked over."""

    walked = 0

    def __iter__(self) -> Iterator[str]:
        Looked.walked += len(self)
        return super().__iter__()

    def values(self) -> Any:
        Looked.walked += len(self)
        return super().values()

    def items(self) -> Any:
        Looked.walked += len(self)
        return super().items()

    def copy(self) -> dict[str, TaskState]:
        Looked.walked += len(self)
        return super().copy()


def calls_made(work: Callable[[], None]) -> int:
    """Of functions, ours and built in, while this is done."""
    made = Counter[str]()

    def count_call(_frame: FrameType, kind: str, _argument: object) -> None:
        made[kind] += 1

    sys.setprofile(count_call)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made["call"] + made["c_call"]


def project_of(tasks: int) -> list[Event]:
    """A project with so many tasks, of which every second has a run."""
    history = a_project(subject="p").planned(tasks).approved()
    events = [*history.events]
    for number in range(tasks):
        alone = History("p").of(f"t{number}").submitted(project="p")
        events += alone.events
    for number in range(0, tasks, 2):
        events += History("p").of(f"t{number}").started().events
    events += History("p").project_cancel_requested().events
    for number in range(0, tasks, 2):
        events += History("p").of(f"t{number}").cancelled().events
    return events


def family_of(tasks: int) -> list[Event]:
    """A task with so many children, cancelled."""
    events = [*a_task("p").started().events]
    for number in range(tasks):
        events += History("p").with_child(f"t{number}").events
    events += History("p").cancel_requested().events
    return events


def chain_of(tasks: int) -> list[Event]:
    """A project whose tasks depend on each other, one after the other."""
    history = a_project(subject="p").planned(tasks).approved()
    events = [*history.events]
    before: tuple[str, ...] = ()
    for number in range(tasks):
        name = f"t{number}"
        events += History("p").with_task(name, depends_on=before).events
        before = (name,)
    for number in range(tasks):
        events += History("p").of(f"t{number}").started().completed().events
    return events


@pytest.mark.prove
@pytest.mark.parametrize("of", [project_of, family_of, chain_of])
def test_ten_times_as_many_tasks_cost_ten_times_as_much(of: Callable[[int], list[Event]]) -> None:
    tasks = count(small=2_000, full=10_000)
    few, many = of(tasks // 10), of(tasks)
    root = Root(tasks=Looked())

    cost_of_few = calls_made(lambda: fold_all(few, Root()))
    Looked.walked = 0
    cost_of_many = calls_made(lambda: fold_all(many, root))

    assert cost_of_many < 10.5 * cost_of_few
    assert cost_of_many < 150 * len(many)
    assert Looked.walked <= 2 * tasks, "nothing walks over all tasks but a cancel of all"
    assert len(root.tasks) >= tasks
    assert root.unfinished == (of is family_of)


@pytest.mark.prove
def test_a_cancel_of_a_large_project_changes_each_of_its_tasks_once() -> None:
    tasks = count(small=2_000, full=10_000)
    events = project_of(tasks)
    [cancel] = [at for at, event in enumerate(events) if "cancel-requested" in event.type]
    root = Root()
    fold_all(events[:cancel], root)

    outcome = evolve(root, events[cancel])

    changed = Counter(task.id for task in outcome.tasks)

    assert len(changed) == tasks
    assert set(changed.values()) == {1}
    assert Counter(task.status for task in outcome.tasks) == {
        Status.CANCELLING: tasks // 2,
        Status.SKIPPED: tasks // 2,
    }
