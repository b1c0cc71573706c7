"""A root as another region has decided about it: the fold of what was copied of its history."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from events.ids import log_key
from events.log import Record
from events.positions import Position
from events.state import Root
from projections.entry import Entry, decoded
from projections.memory import Memory
from projections.moments import moment
from services.control_store.region_news import CopiedLine, News


class Copy(NamedTuple):
    """As far as it is known here."""

    region: str
    root: Root
    entries: Sequence[Entry]
    """Every line about it, in order."""
    known_at: datetime | None
    """Everything that its region had said by then, by the clock there, is in here."""
    age_seconds: float | None
    """Since the last news; None: there were none yet."""


class Folded:
    """The same, while it grows."""

    def __init__(self, organization: str, region: str, root: str, news: News | None) -> None:
        self.region = region
        self.news = news
        self._memory = Memory()
        self._root = self._memory.recall(log_key(organization, root))
        self._entries: list[Entry] = []
        self._last: Position | None = None

    def add(self, lines: Iterable[CopiedLine]) -> None:
        """What isn't in there yet. A root's lines are all in one partition."""
        for line in lines:
            if self._last is None or line.position > self._last:
                self._last = line.position
                record = Record(line.position, line.value, line.appended_at_us)
                self._entries.append(self._memory.enter(decoded(record)))

    def copy(self, now_us: int) -> Copy:
        news = self.news
        if news is None:
            return Copy(self.region, self._root, self._entries, None, None)
        age_seconds = max(0.0, (now_us - news.heard_at_us) / 1_000_000)
        return Copy(self.region, self._root, self._entries, moment(news.read_at_us), age_seconds)


def line_of(copy: Copy, event_id: UUID) -> Entry | None:
    """The first line of the event with this id."""
    for entry in copy.entries:
        if entry.event is not None and entry.event.id == event_id:
            return entry
    return None
