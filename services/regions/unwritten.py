"""What has come of other regions and isn't in the control store yet.

It is written a moment later, whatever came meanwhile together: nobody who waits for a verdict waits
for that. What is lost with a process comes again, since its region is asked from where the control
store ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from events.positions import BEGINNING, Frontier, reaches
from services.control_store.region_news import CopiedLine, News


@dataclass(slots=True)
class Batch:
    """Of one region, to be written in one transaction."""

    known: Frontier
    """How far the control store is before it."""
    news: News
    lines: list[CopiedLine] = field(default_factory=list)
    closed: bool = False
    """It is being written: what comes now is for the next one."""


class Unwritten:
    """Of each region the batch that is being written, if there is one, and the one that grows."""

    def __init__(self) -> None:
        self._batches: dict[str, list[Batch]] = {}

    def __len__(self) -> int:
        """Lines."""
        return sum(len(each.lines) for batches in self._batches.values() for each in batches)

    def add(self, known: Frontier, news: News, lines: Iterable[CopiedLine]) -> None:
        batches = self._batches.setdefault(news.region, [])
        if not batches or batches[-1].closed:
            batches.append(Batch(known, news))
        batches[-1].news = news
        batches[-1].lines += lines

    def to_write(self) -> Iterator[Batch]:
        """The next one of each region. Close it before its lines are taken; then it is `done`."""
        for region in list(self._batches):
            if batches := self._batches.get(region):
                yield batches[0]

    def done(self, batch: Batch) -> None:
        region = batch.news.region
        left = [each for each in self._batches.get(region, ()) if each is not batch]
        if left:
            self._batches[region] = left
        else:
            self.drop(region)

    def drop(self, region: str) -> None:
        """The control store isn't where these go on from."""
        self._batches.pop(region, None)

    def news(self) -> dict[str, News]:
        """The last of each region."""
        return {region: batches[-1].news for region, batches in self._batches.items()}

    def lines(self, region: str) -> list[CopiedLine]:
        """In the order of that region's log."""
        return [line for batch in self._batches.get(region, ()) for line in batch.lines]

    def of_root(self, organization: str, region: str, root: str) -> "Beside":
        batches = self._batches.get(region)
        if not batches:
            return Beside()
        mine = [
            line
            for line in self.lines(region)
            if line.root == root and line.organization == organization
        ]
        return Beside(batches[0].known, batches[-1].news, mine)


class Beside(NamedTuple):
    """What was unwritten when the control store began to be asked. It may be there by now."""

    known: Frontier = BEGINNING
    news: News | None = None
    lines: Sequence[CopiedLine] = ()

    def added_to(
        self, written: Sequence[CopiedLine], news: News | None
    ) -> tuple[Sequence[CopiedLine], News | None]:
        """Both together. Nothing is added behind a gap: what was copied may be forgotten."""
        reached = BEGINNING if news is None else news.frontier
        if self.news is None or not reaches(reached, self.known):
            return written, news
        there = {each.position for each in written}
        more = [each for each in self.lines if each.position not in there]
        is_newer = news is None or self.news.heard_at_us > news.heard_at_us
        return [*written, *more], self.news if is_newer else news
