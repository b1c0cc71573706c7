"""What other regions say about one root, for somebody who waits for it.

The copy is read once; then it grows with what this process hears. What another gateway has taken is
found by reading it again, now and then, or when somebody says that there is a gap.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from events.ids import root_of
from services.control_store.region_news import CopiedLine, News
from services.regions.copy import Copy, Folded
from services.regions.settings import RegionSettings


class Read(Protocol):
    """What was copied."""

    async def folded(self, organization: str, region: str, subject: str) -> Folded: ...

    def shown(self, folded: Folded) -> Copy: ...


class Lookouts:
    """All that are kept in this process, by root."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], list[Lookout]] = {}
        self._nobody = asyncio.Event()
        self._nobody.set()

    async def nobody(self) -> None:
        """Returns when nobody looks out."""
        await self._nobody.wait()

    def add(self, one: "Lookout") -> None:
        self._kept.setdefault((one.organization, one.root), []).append(one)
        self._nobody.clear()

    def remove(self, one: "Lookout") -> None:
        others = self._kept[one.organization, one.root]
        others.remove(one)
        if not others:
            del self._kept[one.organization, one.root]
        if not self._kept:
            self._nobody.set()

    def hear(self, news: News, lines: Sequence[CopiedLine]) -> None:
        if not self._kept:
            return
        for line in lines:
            for each in self._kept.get((line.organization, line.root), ()):
                each.hear(news.region, line)
        for lookouts in self._kept.values():
            for each in lookouts:
                each.news[news.region] = news

    def look_again(self, region: str) -> None:
        """What is heard from now on doesn't follow what was heard before."""
        for lookouts in self._kept.values():
            for each in lookouts:
                each.forget(region)


class Lookout:
    """Made by `Copies.lookout`; a context."""

    def __init__(
        self,
        copies: Read,
        lookouts: Lookouts,
        organization: str,
        subject: str,
        settings: RegionSettings,
    ) -> None:
        self.organization = organization
        self.root = root_of(subject)
        self.news: dict[str, News] = {}
        """The last of each region since this is kept."""
        self._copies = copies
        self._lookouts = lookouts
        self._settings = settings
        self._folded: dict[str, tuple[float, Folded]] = {}
        """By region, and when it was read."""
        self._heard: dict[str, list[CopiedLine]] = {}
        self._gaps = 0
        self.turn = asyncio.Event()
        """Set when something was heard, and replaced by a new one. Whoever looks and then waits
        takes it before it looks."""

    def __enter__(self) -> "Lookout":
        self._lookouts.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._lookouts.remove(self)

    def hear(self, region: str, line: CopiedLine) -> None:
        self._heard.setdefault(region, []).append(line)
        self._wake()

    def forget(self, region: str) -> None:
        self._gaps += 1
        self._folded.pop(region, None)
        self._heard.pop(region, None)
        self._wake()

    async def moved(self, turn: asyncio.Event, timeout_seconds: float) -> None:
        """Returns when there may be news since that turn, at the latest after the timeout."""
        try:
            async with asyncio.timeout(min(timeout_seconds, self._settings.look_again_seconds)):
                await turn.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self.turn.set()
        self.turn = asyncio.Event()

    async def of(self, region: str) -> Copy:
        """What that region has said about the root, as far as it is known now."""
        now = asyncio.get_running_loop().time()
        read_at, folded = self._folded.get(region, (now, None))
        if folded is None or now - read_at >= self._settings.look_again_seconds:
            self._heard.pop(region, None)
            gaps = self._gaps
            # What was just said is on its way first: the answer to it takes longest.
            await asyncio.sleep(0)
            folded = await self._copies.folded(self.organization, region, self.root)
            if gaps != self._gaps:
                return self._copies.shown(folded)
            # What was heard meanwhile may be in it or not.
            self._folded[region] = now, folded
        folded.add(self._heard.pop(region, ()))
        folded.news = self.news.get(region, folded.news)
        return self._copies.shown(folded)
