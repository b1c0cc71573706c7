"""The roots that are alive, and those that lately were: what the fold needs at hand.

It holds nothing that isn't in the history, so that what has finished may be forgotten and recalled.
A root is forgotten only once the history holds all that was folded into it. Hence a root that isn't
in here has no event between what the history holds and the next record; the history's answer, cut
at that record, is never a guess.
"""

from collections import OrderedDict
from collections.abc import Iterable

from events.event import Event
from events.fold import evolve
from events.ids import log_key
from events.outcome import apply
from events.positions import Frontier, Position, covers
from events.state import Root, TaskState
from projections.entry import Decoded, Entry, malformed

FINISHED_ROOTS_KEPT = 20_000


class Memory:
    """Roots by log key."""

    def __init__(self, finished_roots_kept: int = FINISHED_ROOTS_KEPT) -> None:
        self.roots: dict[str, Root] = {}
        self._finished: OrderedDict[str, Position] = OrderedDict()
        """Roots that may be forgotten, by the position of their last event."""
        self._finished_roots_kept = finished_roots_kept

    def missing(self, batch: Iterable[Decoded]) -> set[str]:
        """The keys of roots that this batch is about and that must be recalled first."""
        roots = self.roots
        keys = {one.event.key for one in batch if one.event is not None}
        return {key for key in keys if key not in roots}

    def recall(self, key: str, history: Iterable[Event]) -> Root:
        """Take back a root whose events so far are these; none, for one that is new."""
        root = Root()
        for event in history:
            apply(root, evolve(root, event))
        self.roots[key] = root
        if not root.live:
            self._finished[key] = Position(-1, -1)
        return root

    def enter(self, one: Decoded) -> Entry:
        """Fold one record, whose root is at hand, into it."""
        event = one.event
        if event is None:
            return malformed(one)
        key = event.key
        root = self.roots[key]
        outcome = evolve(root, event)
        apply(root, outcome)
        if root.live:
            self._finished.pop(key, None)
        else:
            self._finished[key] = one.record.position
            self._finished.move_to_end(key)
        return Entry(one.record, event, outcome)

    def forget(self, projected: Frontier) -> None:
        """Let the oldest finished roots go, as far as the history has reached them."""
        while len(self._finished) > self._finished_roots_kept:
            key, last = next(iter(self._finished.items()))
            if last.partition >= 0 and not covers(projected, last):
                return
            del self._finished[key]
            del self.roots[key]

    def task(self, organization: str, root_id: str, task_id: str) -> TaskState | None:
        root = self.roots.get(log_key(organization, root_id))
        return root.tasks.get(task_id) if root else None
