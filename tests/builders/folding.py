"""What histories are folded with, and what they come to."""

from collections.abc import Callable
from typing import NamedTuple

from events import fold, outcome
from events.event import Event
from events.outcome import Outcome
from events.state import Root
from events.words import Status


class Fold(NamedTuple):
    """What histories are folded with. Mutation tests put a broken one in its place."""

    evolve: Callable[[Root, Event], Outcome] = fold.evolve
    apply: Callable[[Root, Outcome], None] = outcome.apply
    new_root: Callable[[], Root] = Root


the_fold = Fold()


class Folded(NamedTuple):
    root: Root
    outcomes: tuple[Outcome, ...]
    statuses: tuple[Status | None, ...]
    """Of each event's subject, after it."""


def folded(events: tuple[Event, ...], using: Fold | None = None) -> Folded:
    how = using or the_fold
    root, outcomes, statuses = how.new_root(), [], []
    for event in events:
        said = how.evolve(root, event)
        how.apply(root, said)
        outcomes.append(said)
        task = root.tasks.get(event.subject)
        statuses.append(task.status if task else None)
    return Folded(root, tuple(outcomes), tuple(statuses))
