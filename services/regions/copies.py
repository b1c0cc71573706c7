"""What this region knows of the others: the copy of their histories, and how old it is.

Read like any history: folded, so that a task is what its home region's events make of it. Whoever
waits for news is woken by what this process takes, and looks again now and then for what another
gateway has taken.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from events.event import Event
from events.ids import log_key, root_of
from events.log import Record
from events.positions import BEGINNING, Frontier, reaches
from events.state import Root
from projections.entry import Entry, decoded
from projections.memory import Memory
from projections.moments import moment, us
from services.control_store import ControlStore, region_news
from services.control_store.region_news import CopiedLine, News
from services.refusals import Unavailable
from services.regions.settings import RegionSettings


class Copy(NamedTuple):
    """A root as another region has decided about it, as far as that is known here."""

    region: str
    root: Root
    entries: Sequence[Entry]
    """Every line about it, in order."""
    known_at: datetime | None
    """Everything that its region had said by then, by the clock there, is in here."""
    age_seconds: float | None
    """Since the last news; None: there were none yet."""


class Copies:
    """For one event loop."""

    def __init__(
        self, store: ControlStore, settings: RegionSettings, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._kept: dict[str, Frontier] = {}
        """By region, as this process kept it last; another one may have gone on since."""
        self.turn = asyncio.Event()
        """Set when there are news, and replaced by a new one. Whoever looks at what is known and
        then waits takes it before it looks."""

    async def news(self) -> Mapping[str, News]:
        """By region."""
        return {each.region: each for each in await self._store.ask(region_news.all_of_them)}

    async def frontier(self, region: str) -> Frontier:
        """How far what it has said is known here."""
        news = await self._store.ask(partial(region_news.of, region=region))
        return BEGINNING if news is None else news.frontier

    async def frontier_before(self, region: str, start: Frontier) -> Frontier:
        """How far what it has said is known; as this process knows it, if that reaches `start`."""
        known = self._kept.get(region)
        if known is None or not reaches(known, start):
            known = self._kept[region] = await self.frontier(region)
        return known

    async def keep(self, news: News, lines: Sequence[CopiedLine], known: Frontier) -> None:
        self._kept.pop(news.region, None)
        await self._store.ask(partial(region_news.keep, news=news, lines=lines, known=known))
        self._kept[news.region] = news.frontier
        self.turn.set()
        self.turn = asyncio.Event()

    async def home_of(self, organization: str, subject: str) -> str | None:
        """The region that decides about this, as far as that is known from what was copied."""
        ask = partial(region_news.regions_of, organization=organization, root=root_of(subject))
        regions = await self._store.ask(ask)
        for region in regions if len(regions) > 1 else ():
            if (await self.of(organization, region, subject)).root.home is None:
                return region
        return next(iter(regions), None)

    async def of(self, organization: str, region: str, subject: str) -> Copy:
        """What that region has said about the subject's root."""
        root_id, limit = root_of(subject), self._settings.root_lines

        def ask(connection: object) -> tuple[list[CopiedLine], News | None]:
            lines = region_news.of_root(connection, organization, region, root_id, limit + 1)  # type: ignore[arg-type]
            return lines, region_news.of(connection, region)  # type: ignore[arg-type]

        lines, news = await self._store.ask(ask)
        if len(lines) > limit:
            raise Unavailable(
                f"the history of {root_id!r} is too long to be read here: ask region {region!r}"
            )
        memory, key = Memory(), log_key(organization, root_id)
        root = memory.recall(key)
        records = (Record(each.position, each.value, each.appended_at_us) for each in lines)
        entries = [memory.enter(decoded(record)) for record in records]
        if news is None:
            return Copy(region, root, entries, None, None)
        age_seconds = max(0.0, (us(self._now()) - news.heard_at_us) / 1_000_000)
        return Copy(region, root, entries, moment(news.read_at_us), age_seconds)

    async def moved(self, turn: asyncio.Event, timeout_seconds: float) -> None:
        """Returns when there may be news since that turn, at the latest after the timeout."""
        seconds = min(timeout_seconds, self._settings.look_again_seconds)
        try:
            async with asyncio.timeout(seconds):
                await turn.wait()
        except TimeoutError:
            return

    async def reached(self, region: str, goal: Frontier, timeout_seconds: float) -> bool:
        """Whether everything that a region had said up to there is known, at the latest then."""
        clock = asyncio.get_running_loop().time
        until = clock() + timeout_seconds
        while True:
            turn = self.turn
            if reaches(await self.frontier(region), goal):
                return True
            left_seconds = until - clock()
            if left_seconds <= 0:
                return False
            await self.moved(turn, left_seconds)


def line_of(copy: Copy, event_id: object) -> Entry | None:
    """The first line of the event with this id."""
    for entry in copy.entries:
        event: Event | None = entry.event
        if event is not None and event.id == event_id:
            return entry
    return None
