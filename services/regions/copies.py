"""What this region knows of the others: the copy of their histories, and how old it is.

Read like any history: folded, so that a task is what its home region's events make of it. Whoever
waits for news is woken by what this process takes, and looks again now and then for what another
gateway has taken.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog

from events.event import decode
from events.ids import root_of
from events.positions import BEGINNING, Frontier, Position, reaches
from events.region_events import RootHandedOver
from events.words import Verdict
from projections.moments import us
from services.control_store import ControlStore, region_news
from services.control_store.region_news import CopiedLine, News, ReadAnotherWay, TakenMeanwhile
from services.refusals import Unavailable
from services.regions.copy import Copy, Folded
from services.regions.lookout import Lookout, Lookouts
from services.regions.parcels import Line
from services.regions.settings import RegionSettings
from services.regions.unwritten import Batch, Unwritten

UNWRITTEN_LIMIT_LINES = 20_000
"""Beyond it, whoever brings more waits."""
FEW_LINES = 100
"""Most roots have no more: they are read at a glance."""

log = structlog.get_logger(__name__)


class Copies:
    """For one event loop; `run` it beside."""

    def __init__(
        self, store: ControlStore, settings: RegionSettings, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._settings = settings
        self._now = now
        self._kept: dict[str, Frontier] = {}
        """By region, as this process took it last; another one may have gone on since."""
        self._unwritten = Unwritten()
        self._lookouts = Lookouts()
        self._more = asyncio.Event()
        """There is something to write."""
        self.turn = asyncio.Event()
        """Set when there are news, and replaced by a new one. Whoever looks at what is known and
        then waits takes it before it looks."""

    # ---- how far

    async def news(self) -> Mapping[str, News]:
        """By region."""
        written = {each.region: each for each in await self._store.look(region_news.all_of_them)}
        return written | self._unwritten.news()

    async def frontier(self, region: str) -> Frontier:
        """How far what it has said is known here. Raises `ReadAnotherWay`."""
        latest = self._unwritten.news().get(region)
        if latest is None:
            latest = await self._store.look(partial(region_news.of, region=region))
            region_news.check_way(latest, self._settings.others[region].way)
        return BEGINNING if latest is None else latest.frontier

    async def check_cluster(self, region: str, cluster: str | None) -> None:
        """Whether what it has said so far was read from there. Raises `ReadAnotherWay`."""
        latest = self._unwritten.news().get(region)
        if latest is None:
            latest = await self._store.look(partial(region_news.of, region=region))
        way = region_news.in_cluster(self._settings.others[region].way, cluster)
        region_news.check_way(latest, way)

    async def frontier_before(self, region: str, start: Frontier) -> Frontier:
        """How far what it has said is known; as this process knows it, if that reaches `start`."""
        kept = self._kept.get(region)
        if kept is not None and reaches(kept, start):
            return kept
        found = await self.frontier(region)
        if self._kept.get(region) is kept:
            self._kept[region] = found
            self._lookouts.look_again(region)
        return self._kept.get(region, found)

    def kept(self, region: str) -> Frontier:
        """How far this process has taken what it has said."""
        return self._kept.get(region, BEGINNING)

    # ---- what comes

    async def keep(self, news: News, lines: Sequence[CopiedLine], known: Frontier) -> None:
        """Known from now on; written a moment later. `known` is how far it was before."""
        while len(self._unwritten) > UNWRITTEN_LIMIT_LINES:
            await self.moved(self.turn, self._settings.look_again_seconds)
        if self._kept.get(news.region) != known:
            raise TakenMeanwhile(f"another bridge carries {news.region!r}, too")
        self._unwritten.add(known, news, lines)
        self._kept[news.region] = news.frontier
        self._lookouts.hear(news, lines)
        self._more.set()
        self._wake()

    async def run(self) -> None:
        """Write what has come, until cancelled. What isn't written then comes again."""
        while True:
            await self._more.wait()
            await asyncio.sleep(self._settings.write_delay_seconds)
            await self._aside()
            self._more.clear()
            for batch in self._unwritten.to_write():
                await self._write(batch)
            if len(self._unwritten):
                self._more.set()
            self._wake()

    async def _aside(self) -> None:
        """While somebody waits for what another region says, and not for long: to write shares the
        disk and the processor with what they wait for."""
        try:
            async with asyncio.timeout(self._settings.write_aside_seconds):
                await self._lookouts.nobody()
        except TimeoutError:
            return

    async def _write(self, batch: Batch) -> None:
        batch.closed = True
        region = batch.news.region
        ask = partial(region_news.keep, news=batch.news, lines=batch.lines, known=batch.known)
        try:
            await self._store.ask(ask)
        except (TakenMeanwhile, ReadAnotherWay, sa.exc.SQLAlchemyError) as error:
            # Bridges go on from where the control store ends.
            why = str(getattr(error, "orig", error))[:300]
            log.warning("what came of a region comes again", region=region, why=why)
            self._unwritten.drop(region)
            self._kept.pop(region, None)
            self._lookouts.look_again(region)
        else:
            self._unwritten.done(batch)

    def _wake(self) -> None:
        self.turn.set()
        self.turn = asyncio.Event()

    async def settled(self) -> None:
        """Returns when everything that has come is written."""
        while self._unwritten.news():
            await self.moved(self.turn, self._settings.look_again_seconds)

    # ---- what is known

    async def home_of(self, organization: str, subject: str) -> str | None:
        """The region that decides about this, as far as that is known from what was copied."""
        root = root_of(subject)
        ask = partial(region_news.regions_of, organization=organization, root=root)
        latest = [
            region
            for region in self._unwritten.news()
            if any(
                line.verdict == Verdict.EFFECTIVE
                for line in self._unwritten.of_root(organization, region, root).lines
            )
        ]
        written = await self._store.look(ask)
        regions = [*latest, *(each for each in written if each not in latest)]
        for region in regions if len(regions) > 1 else ():
            if (await self.of(organization, region, subject)).root.home is None:
                return region
        return next(iter(regions), None)

    async def of(self, organization: str, region: str, subject: str) -> Copy:
        """What that region has said about the subject's root."""
        return self.shown(await self.folded(organization, region, subject))

    async def folded(self, organization: str, region: str, subject: str) -> Folded:
        root, limit = root_of(subject), self._settings.root_lines
        lines, news = await self._of_root(organization, region, root, limit + 1)
        if len(lines) > limit:
            raise Unavailable(
                f"the history of {root!r} is too long to be read here: ask region {region!r}"
            )
        folded = Folded(organization, region, root, news)
        folded.add(lines)
        return folded

    async def lines(self, organization: str, region: str, root: str) -> Sequence[CopiedLine]:
        """All that region has said about a root, as far as it is known, in order."""
        lines, _ = await self._of_root(organization, region, root, None)
        return lines

    async def _of_root(
        self, organization: str, region: str, root: str, limit: int | None
    ) -> tuple[Sequence[CopiedLine], News | None]:
        beside = self._unwritten.of_root(organization, region, root)

        def ask(
            connection: sa.Connection, limit: int | None
        ) -> tuple[Sequence[CopiedLine], News | None]:
            lines = region_news.of_root(connection, organization, region, root, limit)
            return lines, region_news.of(connection, region)

        lines, news = await self._store.glance(partial(ask, limit=FEW_LINES))
        if len(lines) == FEW_LINES:
            lines, news = await self._store.look(partial(ask, limit=limit))
        return beside.added_to(lines, news)

    def shown(self, folded: Folded) -> Copy:
        """With the age that it has now."""
        return folded.copy(us(self._now()))

    def lookout(self, organization: str, subject: str) -> Lookout:
        """For somebody who waits for what is said about it. Close it."""
        return Lookout(self, self._lookouts, organization, subject, self._settings)

    # ---- what was known before

    async def event_ids(
        self, region: str, positions: Collection[Position]
    ) -> Mapping[Position, str]:
        """Of the lines that are there at these positions."""
        if not positions:
            return {}
        unwritten = {each.position: each.event_id for each in self._unwritten.lines(region)}
        ask = partial(region_news.event_ids, region=region, positions=positions)
        return await self._store.look(ask) | unwritten

    async def has_event(self, region: str, event_id: str) -> bool:
        if any(each.event_id == event_id for each in self._unwritten.lines(region)):
            return True
        ask = partial(region_news.has_event, region=region, event_id=event_id)
        return await self._store.look(ask)

    async def handed_to(self, region: str, line: Line) -> str | None:
        """To whom that region had handed the line's root over by then."""
        beside = self._unwritten.of_root(line.organization, region, line.root)
        before = line.position
        for each in reversed(beside.lines):
            if each.position < before and (to := handed(each.verdict, each.value)) is not None:
                return to
        while True:
            ask = partial(
                region_news.values_before,
                organization=line.organization,
                region=region,
                root=line.root,
                position=before,
            )
            values = await self._store.look(ask)
            for position, verdict, value in values:
                before = position
                if (to := handed(verdict, value)) is not None:
                    return to
            if not values:
                return None

    # ---- waiting

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


def handed(verdict: str, value: bytes) -> str | None:
    """To whom this line hands its root over, if it does."""
    if verdict != Verdict.EFFECTIVE or RootHandedOver.TYPE.encode() not in value:
        return None
    body = decode(value).data
    return body.to if isinstance(body, RootHandedOver) else None
