"""Another region's history, read from its log instead of at its gateways, or from a copy of that.

It is judged here, by the same fold; what was taken before is recalled from this region's copy. So
nothing but the log is needed of the other region, and this process remembers nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from events.errors import CountermandError
from events.event import Event, decode
from events.log import LogReader, Record
from events.positions import Frontier, Position, after, covers, reaches, written_frontier
from projections.entry import Entry, decoded
from projections.moments import moment
from services.control_store.region_news import AnotherLog
from services.ledger import Ledger, Snapshot, stands_still
from services.log_following import Followed
from services.regions.chained import Chained
from services.regions.copies import Copies
from services.regions.judged import Judged
from services.regions.parcels import Parcel, as_line, sealed
from services.regions.recent import line_of
from services.regions.settings import RegionSettings


class StandsStill(CountermandError):
    """What stands next in that log can't be read, or isn't all there."""


class Source(LogReader, Followed, Protocol):
    """What is read."""

    async def cluster(self) -> str | None:
        """Which brokers these are now, by their own name; None: they don't tell."""
        ...

    async def at(self, position: Position) -> Record | None:
        """What stands there; None: nothing, or nothing any more."""
        ...


class FarLog:
    """For one event loop. Opened when it is needed: a region may be away while this one starts."""

    def __init__(
        self,
        region: str,
        opening: Callable[[], Awaitable[Source]],
        copies: Copies,
        settings: RegionSettings,
        now: Callable[[], datetime],
        chained: Chained | None,
    ) -> None:
        """`chained`: of a copy that somebody else makes, which may have lost something."""
        self._region = region
        self._opening = opening
        self._copies = copies
        self._settings = settings
        self._now = now
        self._chained = chained
        self._log: Source | None = None
        self._turn = asyncio.Lock()

    async def end(self) -> Frontier:
        """How far that log reaches."""
        return await (await self._opened()).end()

    async def close(self) -> None:
        if self._log is not None:
            await self._log.close()

    async def parcels(
        self, target: str, start: Frontier, wait_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """Sealed, as they come; an empty one when the log is known to say nothing more."""
        source = await self._opened()
        cluster = await source.cluster()
        await self._copies.check_cluster(self._region, cluster)
        await self._check_place(source, start)
        if self._chained is not None:
            self._chained.begin()
        judged = Judged(2 * self._settings.parcel_lines)
        ledger = Ledger(source, CopiedHistory(self._copies, self._region, start), [judged])
        following = asyncio.create_task(ledger.run())
        try:
            frontier = dict(start)
            while True:
                read_at = self._now()
                entries = await judged.next(self._settings.parcel_lines, wait_seconds, following)
                if entries:
                    read_at = moment(entries[-1].record.appended_at_us)
                elif ledger.stopped:
                    raise StandsStill(
                        f"the log of {self._region!r}: {stands_still(ledger.stopped)}"
                    )
                elif self._chained is not None or not reaches(frontier, await source.end()):
                    # A copy may stand still, and a broker be away: silence says nothing.
                    continue
                if self._chained is not None:
                    await self._chained.check(entries)
                reached = after(frontier, (each.record.position for each in entries))
                yield sealed(self._parcel(frontier, reached, read_at, entries, cluster))
                frontier = reached
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _check_place(self, source: Source, start: Frontier) -> None:
        """Whether what was copied last of each partition still stands there: a topic that was made
        anew has the same name, on the same brokers. Raises `AnotherLog`."""
        end = await source.end()
        last = [Position(partition, offset - 1) for partition, offset in start.items() if offset]
        known = await self._copies.event_ids(self._region, last)
        for position in last:
            if end.get(position.partition, 0) <= position.offset:
                raise AnotherLog(self._region, position, "nothing any more")
            found = await source.at(position) if position in known else None
            if found is not None and event_id(found) != known[position]:
                raise AnotherLog(self._region, position)

    def _parcel(
        self,
        start: Frontier,
        end: Frontier,
        read_at: datetime,
        entries: Sequence[Entry],
        cluster: str | None,
    ) -> Parcel:
        return Parcel(
            source=self._region,
            start=written_frontier(start),
            end=written_frontier(end),
            read_at=read_at,
            lines=tuple(as_line(line_of(each)) for each in entries if each.event is not None),
            whole=True,
            cluster=cluster,
        )

    async def _opened(self) -> Source:
        async with self._turn:
            if self._log is None:
                self._log = await self._opening()
            return self._log


def event_id(record: Record) -> str | None:
    event = decoded(record).event
    return None if event is None else event.id.hex


class CopiedHistory:
    """What the ledger of another region's log asks of read models: its copy here."""

    def __init__(self, copies: Copies, region: str, start: Frontier) -> None:
        self._copies = copies
        self._region = region
        self._start = start

    def frontier(self) -> Frontier:
        return self._copies.kept(self._region)

    async def snapshot(self) -> Snapshot:
        """Nothing is at hand; each root is recalled when it is spoken of."""
        return Snapshot(self._start, [])

    async def events_of(
        self, keys: Collection[str], before: Frontier
    ) -> AsyncIterator[tuple[str, Sequence[Event]]]:
        for key in keys:
            organization, _, root = key.partition("/")
            lines = await self._copies.lines(organization, self._region, root)
            yield key, [decode(each.value) for each in lines if covers(before, each.position)]
