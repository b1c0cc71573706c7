"""The roots that are alive, and those that lately were: what the fold needs at hand.

It holds nothing that isn't in the history, so that what has finished may be forgotten and recalled.
A root is forgotten only once the history holds all that was folded into it. Hence a root that isn't
in here has no event between what the history holds and the next record; the history's answer, cut
at that record, is never a guess.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from events.event import Event
from events.fold import evolve
from events.ids import log_key
from events.outcome import apply
from events.positions import Frontier, Position, covers
from events.state import ProjectState, Root, TaskState
from projections.entry import Decoded, Entry, malformed

FINISHED_KEPT = 20_000
LARGE_BYTES = 4_000
"""An event beyond it weighs for so many bytes as much as a task: a payload may have a million."""


class Finished(NamedTuple):
    """A root that may be forgotten."""

    last: Position | None
    """Of its last event; None: the history holds everything that was folded into it."""
    weight: int


class Memory:
    """Roots by log key. What has finished is kept up to a weight, one for each root and task, and
    more where events are large."""

    def __init__(self, finished_kept: int = FINISHED_KEPT) -> None:
        self.roots: dict[str, Root] = {}
        self._new: set[str] = set()
        """Roots of which no event was ever folded."""
        self._large_bytes: dict[str, int] = {}
        """Of each root's large events, all together."""
        self._finished: OrderedDict[str, Finished] = OrderedDict()
        """The one that was touched last comes last."""
        self._finished_kept = finished_kept
        self._finished_weight = 0

    def missing(self, batch: Iterable[Decoded]) -> set[str]:
        """The keys of roots that this batch is about and that must be recalled first."""
        keys = {one.key for one in batch if one.event is not None}
        return keys.difference(self.roots)

    def recall(self, key: str, history: Iterable[Event] = ()) -> Root:
        """Take back a root whose events so far are these; none, for one that is new.

        A long history may come in parts, each by a call of its own, before anything else is
        entered.
        """
        root = self.roots.get(key)
        if root is None:
            root = self.roots[key] = Root()
            self._new.add(key)
        for event in history:
            self._new.discard(key)
            self._weigh(key, len(event.__pydantic_serializer__.to_json(event)))
            apply(root, evolve(root, event))
        self._settle(key, root, None)
        return root

    def enter(self, one: Decoded) -> Entry:
        """Fold one record, whose root is at hand, into it."""
        event = one.event
        if event is None:
            return malformed(one)
        key = one.key
        root = self.roots[key]
        self._weigh(key, len(one.record.value))
        was_live = root.live
        outcome = evolve(root, event)
        apply(root, outcome)
        live = root.live
        known = live if live is not was_live else None
        if key in self._new:
            self._new.discard(key)
            known = live
        if not (live and was_live):
            self._settle(key, root, one.record.position)
        return Entry(one.record, event, outcome, "", named(root, event.subject), known, key)

    def forget(self, projected: Frontier) -> None:
        """Let finished roots go, the oldest first, as far as the history has reached them."""
        while self._finished_weight > self._finished_kept and len(self._finished) > 1:
            key, (last, weight) = next(iter(self._finished.items()))
            if last is not None and not covers(projected, last):
                return
            self._finished_weight -= weight
            del self._finished[key]
            del self.roots[key]
            self._large_bytes.pop(key, None)
            self._new.discard(key)

    def task(self, organization: str, root_id: str, task_id: str) -> TaskState | None:
        root = self.roots.get(log_key(organization, root_id))
        return root.tasks.get(task_id) if root else None

    def _weigh(self, key: str, size_bytes: int) -> None:
        if size_bytes > LARGE_BYTES:
            self._large_bytes[key] = self._large_bytes.get(key, 0) + size_bytes

    def _settle(self, key: str, root: Root, last: Position | None) -> None:
        """Note whether this root may be forgotten, and from when on."""
        before = self._finished.pop(key, None)
        if before is not None:
            self._finished_weight -= before.weight
        if not root.live:
            weight = 1 + len(root.tasks) + len(root.tombstones)
            weight += self._large_bytes.get(key, 0) // LARGE_BYTES
            self._finished[key] = Finished(last, weight)
            self._finished_weight += weight


def named(root: Root, subject: str) -> TaskState | ProjectState | None:
    """The task or project of this id."""
    task = root.tasks.get(subject)
    if task is None and root.project is not None and root.project.id == subject:
        return root.project
    return task
